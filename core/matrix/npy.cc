#include "core/matrix/npy.h"

#include <charconv>
#include <map>
#include <string_view>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"

namespace hadal::matrix {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::uint32_t kMaxHeader = 1 << 20;
constexpr std::size_t kMaxDimensions = 32;

// What is needed of Python's literals, and nothing else.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& name) : rest_(text), name_(name) {}

  ArrayLayout parse() {
    ArrayLayout layout;
    bool has_type = false, has_order = false, has_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr" && !has_type) {
        set_type(layout);
        has_type = true;
      } else if (key == "fortran_order" && !has_order) {
        layout.fortran = boolean();
        has_order = true;
      } else if (key == "shape" && !has_shape) {
        layout.shape = shape();
        has_shape = true;
      } else {
        fail(fmt::format("key '{}' was not expected", key));
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    if (!trim(rest_).empty()) fail("there is text after its end");
    if (!has_type || !has_order || !has_shape) fail("wanted 'descr', 'fortran_order' and 'shape'");
    return layout;
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw DataError(fmt::format("{}: the .npy header cannot be read: {}", name_, why));
  }

  void skip_blanks() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t' ||
                              rest_.front() == '\n' || rest_.front() == '\r'))
      rest_.remove_prefix(1);
  }

  bool accept(std::string_view token) {
    skip_blanks();
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  bool accept(char token) { return accept(std::string_view(&token, 1)); }

  void expect(char token) {
    if (!accept(token))
      fail(fmt::format("wanted '{}' {} characters before its end", token, rest_.size()));
  }

  std::string quoted() {
    skip_blanks();
    const char quote = rest_.empty() ? ' ' : rest_.front();
    const std::size_t end =
        quote == '\'' || quote == '"' ? rest_.find(quote, 1) : std::string_view::npos;
    if (end == std::string_view::npos)
      fail(fmt::format("wanted a quoted word {} characters before its end", rest_.size()));
    std::string word(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return word;
  }

  bool boolean() {
    if (accept("True")) return true;
    if (!accept("False")) fail("'fortran_order' is neither True nor False");
    return false;
  }

  std::vector<std::int64_t> shape() {
    std::vector<std::int64_t> sizes;
    expect('(');
    while (!accept(')')) {
      skip_blanks();
      std::int64_t size = -1;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), size);
      if (error != std::errc() || size < 0) fail("'shape' is no tuple of sizes");
      rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
      accept('L');  // as Python 2 wrote them
      if (sizes.size() == kMaxDimensions) fail("'shape' has too many dimensions");
      sizes.push_back(size);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return sizes;
  }

  [[noreturn]] void fail_type(std::string_view kind) const {
    throw DataError(fmt::format(
        "{}: holds {}; wanted an array of numbers, as numpy.save(path, x.astype('float32')) writes",
        name_, kind));
  }

  void set_type(ArrayLayout& layout) {
    skip_blanks();
    if (rest_.starts_with('[')) fail_type("records of several fields");
    const std::string descr = quoted();
    static const std::map<std::string, StoredType, std::less<>> kTypes = {
        {"b1", StoredType::kBool}, {"u1", StoredType::kU8},  {"i1", StoredType::kI8},
        {"u2", StoredType::kU16},  {"i2", StoredType::kI16}, {"u4", StoredType::kU32},
        {"i4", StoredType::kI32},  {"u8", StoredType::kU64}, {"i8", StoredType::kI64},
        {"f2", StoredType::kF16},  {"f4", StoredType::kF32}, {"f8", StoredType::kF64}};
    std::string_view type = descr;
    char order = '<';
    if (!type.empty() && std::string_view("<>|=").find(type[0]) != std::string_view::npos) {
      order = type[0];
      type.remove_prefix(1);
    }
    const auto known = kTypes.find(type);
    if (known != kTypes.end()) {
      layout.type = known->second;
      layout.big_endian = order == '>';
      return;
    }
    switch (type.empty() ? ' ' : type[0]) {
      case 'O':
        fail_type("pickled Python objects, which are not read");
      case 'c':
        fail_type(fmt::format("complex numbers ('{}')", descr));
      case 'S':
      case 'U':
        fail_type(fmt::format("text ('{}')", descr));
      case 'f':
        fail_type(fmt::format("floating-point numbers of a width this machine alone knows ('{}')",
                              descr));
      default:
        fail_type(fmt::format("elements of type '{}'", descr));
    }
  }

  std::string_view rest_;
  const std::string& name_;
};

}  // namespace

ArrayLayout read_npy_header(data::ByteSource& from) {
  const std::uint64_t start = from.position();
  std::string magic(kMagic.size() + 2, '\0');
  if (from.read(magic.data(), magic.size()) < magic.size() || !magic.starts_with(kMagic))
    throw DataError(
        fmt::format("{}: not a .npy file: does not start with \\x93NUMPY", from.name()));
  const int version = static_cast<unsigned char>(magic[kMagic.size()]);
  if (version < 1 || version > 3)
    throw DataError(
        fmt::format("{}: .npy of version {}, versions 1 to 3 are read", from.name(), version));
  std::uint32_t length = 0;
  unsigned char bytes[4] = {};
  from.read_exact(bytes, version == 1 ? 2 : 4, "the .npy header");
  for (int i = 3; i >= 0; --i) length = length << 8 | bytes[i];
  if (length > kMaxHeader)
    throw DataError(
        fmt::format("{}: the .npy header states {} bytes for itself, at most {} are read",
                    from.name(), length, kMaxHeader));
  const std::vector<std::uint8_t> text = from.read_vector(length, "the .npy header");
  ArrayLayout layout =
      HeaderParser({reinterpret_cast<const char*>(text.data()), text.size()}, from.name()).parse();
  layout.offset = from.position() - start;
  if (layout.shape.empty())
    throw DataError(fmt::format("{}: a single number, wanted a matrix", from.name()));
  return layout;
}

std::unique_ptr<StoredRows> npy_rows(std::unique_ptr<const RandomAccessFile> file,
                                     std::uint64_t offset, std::uint64_t bytes,
                                     const std::string& name, OnNote on_note) {
  const auto source = open_range(*file, offset, bytes);
  ArrayLayout layout = read_npy_header(*source);
  const std::uint64_t wanted = array_bytes(layout, name), there = bytes - layout.offset;
  if (wanted > there)
    throw DataError(
        fmt::format("{}: truncated: its header states {}, which is {} bytes, {} are there", name,
                    describe(layout), wanted, there));
  if (wanted < there)
    throw DataError(
        fmt::format("{}: {} bytes left over after the {} that its header states; one "
                    "array a file is read",
                    name, there - wanted, describe(layout)));
  layout.offset += offset;
  return std::make_unique<StoredRows>(std::move(file), std::move(layout), name, std::move(on_note));
}

std::unique_ptr<StoredRows> open_npy(const std::filesystem::path& path, const FileUse& use,
                                     OnNote on_note) {
  auto file = std::make_unique<const RandomAccessFile>(path, use);
  const std::uint64_t bytes = file->size();
  return npy_rows(std::move(file), 0, bytes, path.string(), std::move(on_note));
}

}  // namespace hadal::matrix

#include "dist/linalg/svd_state.h"

#include <algorithm>
#include <cstring>
#include <string>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/hash.h"

namespace hadal::dist {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kMagic = "hadal-svd-1\n";
constexpr std::int64_t kRowsLookedAt = 64;

std::uint64_t identity_of(const matrix::RowSource& a, const SvdOptions& o) {
  std::string text =
      fmt::format("{} {} {} {} {} {} {} {} {} {} {} {} {} {}", a.rows(), a.cols(),
                  static_cast<int>(a.element()), o.target.components.value_or(0),
                  o.target.explained.value_or(0), o.target.tolerance.value_or(0), o.centre, o.scale,
                  o.passes, o.oversample, o.exact, static_cast<int>(o.precision), o.seed, o.probes);
  std::vector<std::byte> row(static_cast<std::size_t>(a.cols()) * matrix::bytes_of(a.element()));
  const std::int64_t rows = std::min(kRowsLookedAt, a.rows());
  for (std::int64_t i = 0; i < rows; ++i) {
    a.read(a.rows() * i / rows, 1, 0, a.cols(), row.data());
    text += hex64(hash64(row.data(), row.size()));
  }
  return hash64(text);
}

void append(std::string& to, const void* from, std::size_t bytes) {
  to.append(static_cast<const char*>(from), bytes);
}

std::string encoded(std::uint64_t identity, const SvdState& state) {
  std::string text(kMagic);
  const auto count = static_cast<std::uint64_t>(state.size());
  append(text, &identity, sizeof identity);
  append(text, &count, sizeof count);
  for (const linalg::DenseMatrix& each : state) {
    append(text, &each.rows, sizeof each.rows);
    append(text, &each.cols, sizeof each.cols);
    append(text, each.values.data(), each.values.size() * sizeof(double));
  }
  const std::uint64_t hash = hash64(text);
  append(text, &hash, sizeof hash);
  return text;
}

class Reader {
 public:
  Reader(std::string_view text, const fs::path& path) : text_(text), path_(path) {}
  template <typename T>
  T take() {
    T value{};
    take(&value, sizeof value);
    return value;
  }
  void take(void* to, std::size_t bytes) {
    if (bytes > text_.size()) damaged();
    if (bytes > 0) std::memcpy(to, text_.data(), bytes);
    text_.remove_prefix(bytes);
  }
  std::size_t left() const { return text_.size(); }
  [[noreturn]] void damaged() const {
    throw DataError(fmt::format("{}: damaged; remove it to begin anew", path_.string()));
  }

 private:
  std::string_view text_;
  const fs::path& path_;
};

std::optional<SvdState> decoded(const std::string& text, std::uint64_t identity,
                                const fs::path& path) {
  Reader reader(text, path);
  if (!text.starts_with(kMagic) || text.size() < kMagic.size() + 3 * sizeof identity)
    reader.damaged();
  std::uint64_t hash = 0;
  std::memcpy(&hash, text.data() + text.size() - sizeof hash, sizeof hash);
  if (hash64(text.data(), text.size() - sizeof hash) != hash) reader.damaged();
  std::string magic(kMagic.size(), '\0');
  reader.take(magic.data(), magic.size());
  if (reader.take<std::uint64_t>() != identity) return std::nullopt;
  SvdState state(reader.take<std::uint64_t>());
  for (linalg::DenseMatrix& each : state) {
    const auto rows = reader.take<std::int64_t>(), cols = reader.take<std::int64_t>();
    each = linalg::DenseMatrix(rows, cols);
    reader.take(each.values.data(), each.values.size() * sizeof(double));
  }
  return state;
}

}  // namespace

SvdStateFile::SvdStateFile(Communicator& comm, const matrix::RowSource& a,
                           const SvdOptions& options)
    : comm_(comm) {
  if (options.checkpoint.empty()) return;
  path_ = options.checkpoint / "svd.state";
  identity_ = identity_of(a, options);
}

std::optional<SvdState> SvdStateFile::load() {
  if (path_.empty()) return std::nullopt;
  std::string text;
  if (comm_.rank() == 0 && fs::exists(path_)) text = read_file(path_);
  auto bytes = static_cast<std::int64_t>(text.size());
  comm_.broadcast(std::as_writable_bytes(std::span(&bytes, 1)), 0);
  if (bytes == 0) return std::nullopt;
  text.resize(static_cast<std::size_t>(bytes));
  comm_.broadcast(std::as_writable_bytes(std::span(text)), 0);
  return decoded(text, identity_, path_);
}

void SvdStateFile::save(const SvdState& state) {
  if (path_.empty() || comm_.rank() != 0) return;
  fs::create_directories(path_.parent_path());
  write_file_atomically(path_, encoded(identity_, state));
}

void SvdStateFile::remove() {
  if (path_.empty()) return;
  comm_.barrier();
  std::error_code ignored;
  if (comm_.rank() == 0) fs::remove(path_, ignored);
}

}  // namespace hadal::dist

#include "core/safetensors.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/strings.h"

namespace hadal {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLengthBytes = 8, kAlignment = 8;

struct TypeName {
  DType type;
  const char* name;
};
constexpr std::array<TypeName, 4> kTypes = {{{DType::kFloat32, "F32"},
                                             {DType::kFloat64, "F64"},
                                             {DType::kInt32, "I32"},
                                             {DType::kUint8, "U8"}}};

const char* type_name(DType type) {
  for (const TypeName& known : kTypes)
    if (known.type == type) return known.name;
  HADAL_CHECK(false);
  return "";
}

class Reader {
 public:
  explicit Reader(const std::string& file) : file_(file) {}

  [[noreturn]] void fail(const std::string& what) const {
    throw DataError(fmt::format("{}: {}", file_, what));
  }
  [[noreturn]] void fail(const std::string& tensor, const std::string& what) const {
    fail(fmt::format("tensor '{}': {}", tensor.substr(0, 200), what));
  }

  std::size_t header_length(const std::string& bytes) const {
    if (bytes.size() < kLengthBytes) fail(fmt::format("{} bytes, cut short", bytes.size()));
    std::uint64_t length = 0;
    for (std::size_t i = 0; i < kLengthBytes; ++i)
      length |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    if (length > kMaxSafetensorsHeader)
      fail(fmt::format("header of {} bytes, at most {} are read", length, kMaxSafetensorsHeader));
    if (length > bytes.size() - kLengthBytes)
      fail(fmt::format("header of {} bytes in a file of {}, cut short", length, bytes.size()));
    return static_cast<std::size_t>(length);
  }

  Json header(std::string_view text) const {
    if (is_nested_deeper(text, kMaxJsonNesting)) fail("header is nested too deep");
    Json header = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!header.is_object()) fail("header is not a JSON object");
    return header;
  }

  Metadata metadata(const Json& json) const {
    if (!json.is_object()) fail("__metadata__ is not a JSON object");
    Metadata metadata;
    for (const auto& [name, value] : json.items()) {
      if (!value.is_string()) fail("__metadata__ holds something that is not text");
      metadata[name] = value.get<std::string>();
    }
    return metadata;
  }

  Safetensors::Entry entry(const std::string& name, const Json& json) const {
    if (!json.is_object() || json.size() != 3 || !json.contains("dtype") ||
        !json.contains("shape") || !json.contains("data_offsets"))
      fail(name, "wanted dtype, shape and data_offsets");
    Safetensors::Entry entry;
    entry.name = name;
    entry.type = type(name, json["dtype"]);
    const std::vector<std::uint64_t> extents = numbers(name, json["shape"], "shape");
    const std::vector<std::uint64_t> offsets = numbers(name, json["data_offsets"], "data_offsets");
    if (extents.size() > Shape::kMaxRank)
      fail(name, fmt::format("{} dimensions, at most {}", extents.size(), Shape::kMaxRank));
    if (offsets.size() != 2 || offsets[0] > offsets[1])
      fail(name, "data_offsets are not a begin and an end");
    std::uint64_t bytes = size_of(entry.type);
    for (std::uint64_t extent : extents)
      if (__builtin_mul_overflow(bytes, extent, &bytes)) fail(name, "shape overflows");
    if (bytes != offsets[1] - offsets[0])
      fail(name, fmt::format("shape needs {} bytes, data_offsets span {}", bytes,
                             offsets[1] - offsets[0]));
    const std::vector<std::int64_t> signed_extents(extents.begin(), extents.end());
    entry.shape = Shape(std::span<const std::int64_t>(signed_extents));
    entry.offset = offsets[0];
    entry.bytes = bytes;
    return entry;
  }

 private:
  DType type(const std::string& name, const Json& json) const {
    if (json.is_string())
      for (const TypeName& known : kTypes)
        if (json.get_ref<const std::string&>() == known.name) return known.type;
    fail(name, "dtype is none of F32, F64, I32, U8");
  }

  std::vector<std::uint64_t> numbers(const std::string& name, const Json& json,
                                     const char* what) const {
    if (!json.is_array()) fail(name, fmt::format("{} is not a list", what));
    std::vector<std::uint64_t> values;
    for (const Json& value : json) {
      if (!value.is_number_unsigned() ||
          value.get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()})
        fail(name, fmt::format("{} holds something that is not a size", what));
      values.push_back(value.get<std::uint64_t>());
    }
    return values;
  }

  const std::string& file_;
};

}  // namespace

std::string to_safetensors(const NamedViews& tensors, const Metadata& metadata) {
  // Written piece by piece, because the order of names in the header is that of the data.
  std::string header = "{";
  const auto append = [&](const std::string& name, const Json& value) {
    if (header.size() > 1) header += ',';
    header += Json(name).dump() + ':' + value.dump();
  };
  if (!metadata.empty()) append("__metadata__", metadata);
  std::set<std::string> names = {"__metadata__", ""};
  std::size_t data_bytes = 0;
  for (const auto& [name, view] : tensors) {
    HADAL_CHECK(names.insert(name).second);
    HADAL_CHECK((view || view.bytes() == 0) && view.layout == Layout::kNhwc);
    const auto extents = view.shape.extents();
    append(name, {{"dtype", type_name(view.type)},
                  {"shape", std::vector<std::int64_t>(extents.begin(), extents.end())},
                  {"data_offsets", {data_bytes, data_bytes + view.bytes()}}});
    data_bytes += view.bytes();
  }
  header += '}';
  header.resize((header.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');

  std::string bytes;
  bytes.reserve(kLengthBytes + header.size() + data_bytes);
  for (std::size_t i = 0; i < kLengthBytes; ++i)
    bytes += static_cast<char>((std::uint64_t{header.size()} >> (8 * i)) & 0xff);
  bytes += header;
  for (const auto& [name, view] : tensors)
    bytes.append(static_cast<const char*>(HostView(view).view().data), view.bytes());
  return bytes;
}

Safetensors Safetensors::parse(std::string bytes, const std::string& file) {
  const Reader reader(file);
  Safetensors tensors;
  const std::size_t length = reader.header_length(bytes);
  tensors.file_ = file;
  tensors.data_start_ = kLengthBytes + length;
  const Json header = reader.header(std::string_view(bytes).substr(kLengthBytes, length));
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__")
      tensors.metadata_ = reader.metadata(value);
    else
      tensors.entries_.push_back(reader.entry(name, value));
  }

  std::sort(tensors.entries_.begin(), tensors.entries_.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.offset, a.bytes, a.name) < std::tie(b.offset, b.bytes, b.name);
  });
  const std::size_t data_bytes = bytes.size() - tensors.data_start_;
  std::size_t end = 0;
  for (const Entry& entry : tensors.entries_) {
    if (entry.offset != end)
      reader.fail(entry.name,
                  fmt::format("starts at byte {} of the data, wanted {}", entry.offset, end));
    if (entry.bytes > data_bytes - end)
      reader.fail(entry.name, fmt::format("ends at byte {} of the data, which has {}",
                                          end + entry.bytes, data_bytes));
    end += entry.bytes;
    tensors.by_name_[entry.name] = tensors.by_name_.size();
  }
  if (end != data_bytes)
    reader.fail(fmt::format("{} bytes left over after the last tensor", data_bytes - end));
  tensors.bytes_ = std::move(bytes);
  return tensors;
}

std::string_view Safetensors::bytes_of(const Entry& entry) const {
  return std::string_view(bytes_).substr(data_start_ + entry.offset, entry.bytes);
}

void Safetensors::copy_to(const std::string& name, const TensorView& to) const {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) {
    std::vector<std::string> known;
    for (const Entry& entry : entries_) known.push_back(entry.name);
    const std::string near = did_you_mean(name, known);
    throw DataError(fmt::format("{}: no tensor '{}'{}", file_, name,
                                near.empty() ? "" : fmt::format("; the nearest is '{}'", near)));
  }
  const Entry& entry = entries_[found->second];
  if (entry.type != to.type || entry.shape != to.shape)
    throw DataError(fmt::format("{}: tensor '{}' is {} {}, wanted {} {}", file_, name,
                                type_name(entry.type), entry.shape.to_string(), type_name(to.type),
                                to.shape.to_string()));
  HADAL_CHECK(to.layout == Layout::kNhwc);
  if (entry.bytes == 0) return;
  const Tensor read(to.shape, to.type);
  std::memcpy(read.view().data, bytes_of(entry).data(), entry.bytes);
  copy_converted(read.view(), to);
}

void Safetensors::copy_to(const NamedViews& tensors) const {
  std::set<std::string> wanted;
  for (const auto& [name, view] : tensors) wanted.insert(name);
  for (const Entry& entry : entries_)
    if (!wanted.count(entry.name))
      throw DataError(fmt::format("{}: tensor '{}' has no place here", file_, entry.name));
  for (const auto& [name, view] : tensors) copy_to(name, view);
}

}  // namespace hadal

#include "core/data/mat5.h"

#include <array>
#include <cstring>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/error.h"

namespace hadal::data {
namespace {

constexpr std::size_t kHeaderBytes = 128;
constexpr std::uint32_t kInt8 = 1, kInt32 = 5, kUint32 = 6, kMatrix = 14, kCompressed = 15;
constexpr std::uint32_t kMaxNameBytes = 256, kMaxDimensionBytes = 8 * 4;
// Array classes mxDOUBLE (6) to mxUINT64 (15) are dense numbers.
constexpr int kFirstNumericClass = 6, kLastNumericClass = 15;

std::uint32_t little_endian(const std::uint8_t* b) {
  return b[0] | std::uint32_t{b[1]} << 8 | std::uint32_t{b[2]} << 16 | std::uint32_t{b[3]} << 24;
}

std::uint32_t padding_to_8(std::uint32_t bytes) { return (8 - bytes % 8) % 8; }

}  // namespace

std::string MatArray::describe() const {
  return fmt::format("{} {}", name, fmt::join(dimensions, "x"));
}

MatReader::~MatReader() = default;

MatReader::MatReader(ByteSource& source) : source_(source) {
  std::array<std::uint8_t, kHeaderBytes> header;
  source_.read_exact(header.data(), header.size(), "the MAT-file header");
  const bool is_version_5 = header[124] == 0 && header[125] == 1;
  if (header[126] != 'I' || header[127] != 'M' || !is_version_5)
    throw DataError(
        fmt::format("{}: not a little-endian MATLAB 5 MAT-file (bytes 124 to 127 are {:02x} {:02x} "
                    "{:02x} {:02x}, wanted 00 01 49 4d)",
                    source_.name(), header[124], header[125], header[126], header[127]));
  element_end_ = source_.position();
}

MatReader::Tag MatReader::read_tag(ByteSource& from) {
  std::array<std::uint8_t, 8> b;
  from.read_exact(b.data(), b.size(), "an element tag");
  const std::uint32_t first = little_endian(b.data());
  Tag tag;
  if (first >> 16 != 0) {  // small element: byte count, type and data in the eight bytes
    tag.is_small = true;
    tag.type = first & 0xffff;
    tag.bytes = first >> 16;
    if (tag.bytes > sizeof(tag.small_data))
      throw DataError(fmt::format("{}: small element of {} bytes near byte {}, wanted at most 4",
                                  from.name(), tag.bytes, source_.position()));
    std::memcpy(tag.small_data, b.data() + 4, sizeof(tag.small_data));
  } else {
    tag.type = first;
    tag.bytes = little_endian(b.data() + 4);
  }
  return tag;
}

std::vector<std::uint8_t> MatReader::read_element(ByteSource& from, std::uint32_t wanted_type,
                                                  std::uint32_t max_bytes, const char* what) {
  const Tag tag = read_tag(from);
  if (tag.type != wanted_type || tag.bytes > max_bytes)
    throw DataError(fmt::format(
        "{}: {} near byte {} has type {} and {} bytes, wanted type {} and at most {}", from.name(),
        what, source_.position(), tag.type, tag.bytes, wanted_type, max_bytes));
  if (tag.is_small) return {tag.small_data, tag.small_data + tag.bytes};
  auto bytes = from.read_vector(tag.bytes, what);
  from.skip(padding_to_8(tag.bytes), what);
  return bytes;
}

std::optional<MatArray> MatReader::read_matrix(ByteSource& from) {
  const auto flags = read_element(from, kUint32, 8, "array flags");
  if (flags.size() != 8)
    throw DataError(
        fmt::format("{}: array flags of {} bytes, wanted 8", from.name(), flags.size()));
  const int array_class = flags[0];
  if (array_class < kFirstNumericClass || array_class > kLastNumericClass) return std::nullopt;

  MatArray array;
  const auto dimensions = read_element(from, kInt32, kMaxDimensionBytes, "array dimensions");
  if (dimensions.size() < 8 || dimensions.size() % 4 != 0)
    throw DataError(fmt::format("{}: array dimensions of {} bytes, wanted 8 to {} by fours",
                                from.name(), dimensions.size(), kMaxDimensionBytes));
  for (std::size_t i = 0; i < dimensions.size(); i += 4) {
    const auto extent = static_cast<std::int32_t>(little_endian(dimensions.data() + i));
    if (extent < 0)
      throw DataError(fmt::format("{}: an array with extent {}", from.name(), extent));
    array.dimensions.push_back(extent);
  }
  const auto name = read_element(from, kInt8, kMaxNameBytes, "array name");
  array.name.assign(name.begin(), name.end());

  const Tag tag = read_tag(from);
  array.storage = static_cast<int>(tag.type);
  array.data_bytes = tag.bytes;
  array.numbers = &from;
  if (tag.is_small) {
    small_bytes_.assign(tag.small_data, tag.small_data + tag.bytes);
    small_numbers_ = open_memory(small_bytes_, from.name());
    array.numbers = small_numbers_.get();
  }
  return array;
}

std::optional<MatArray> MatReader::next() {
  for (;;) {
    if (inflated_) {
      // Reading past the numbers makes inflate compare its checksum, when all of them were taken.
      std::array<std::uint8_t, 8> padding;
      inflated_->read(padding.data(), padding.size());
      inflated_.reset();
    }
    if (source_.position() > element_end_)
      throw DataError(fmt::format("{}: an array runs over the end of its element at byte {}",
                                  source_.name(), element_end_));
    source_.skip(element_end_ - source_.position(), "an element");
    if (source_.at_end()) return std::nullopt;

    const Tag outer = read_tag(source_);
    element_end_ = source_.position() + (outer.is_small ? 0 : outer.bytes);
    std::optional<MatArray> array;
    if (outer.type == kCompressed && !outer.is_small) {
      inflated_ = open_inflated(source_, Compression::kZlib, outer.bytes);
      const Tag inner = read_tag(*inflated_);
      if (inner.type == kMatrix) array = read_matrix(*inflated_);
    } else if (outer.type == kMatrix && !outer.is_small) {
      array = read_matrix(source_);
    }
    if (array) return array;
  }
}

}  // namespace hadal::data

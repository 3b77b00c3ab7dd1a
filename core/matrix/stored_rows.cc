#include "core/matrix/stored_rows.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/error.h"

namespace hadal::matrix {
namespace {

constexpr std::uint64_t kScratchBytes = 1 << 20;

// IEEE 754 binary16.
struct Half {
  std::uint16_t bits;
  explicit operator float() const {
    const std::uint32_t sign = (bits & 0x8000u) << 16, exponent = bits >> 10 & 31u;
    const std::uint32_t fraction = bits & 0x3ffu;
    if (exponent == 0) {  // zero and subnormal numbers: fraction * 2^-24
      const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
      return sign != 0 ? -magnitude : magnitude;
    }
    const std::uint32_t wide = exponent == 31 ? 255 : exponent + 112;
    return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
  }
};

template <typename T>
T load(const std::byte* from, bool swapped) {
  std::array<std::byte, sizeof(T)> bytes;
  std::memcpy(bytes.data(), from, sizeof(T));
  if (swapped) std::reverse(bytes.begin(), bytes.end());
  return std::bit_cast<T>(bytes);
}

template <typename T>
bool is_rounded_to_double(T value) {
  if constexpr (!std::is_integral_v<T> || sizeof(T) < 8) {
    return false;
  } else {
    const auto bits = static_cast<std::uint64_t>(value);
    const std::uint64_t magnitude = value < 0 ? 0 - bits : bits;
    return magnitude != 0 && magnitude >> std::countr_zero(magnitude) >> 53 != 0;
  }
}

// Returns whether a value was rounded.
template <typename From, typename To>
bool convert_all(const std::byte* from, std::size_t stride, bool swapped, std::size_t count,
                 std::byte* to) {
  bool rounded = false;
  for (std::size_t i = 0; i < count; ++i) {
    const From value = load<From>(from + i * stride, swapped);
    rounded |= is_rounded_to_double(value);
    const To wide = static_cast<To>(value);
    std::memcpy(to + i * sizeof(To), &wide, sizeof(To));
  }
  return rounded;
}

std::optional<PictureShape> picture_of(const ArrayLayout& layout) {
  const std::vector<std::int64_t>& shape = layout.shape;
  if (layout.type != StoredType::kU8 || shape.size() < 3 || shape.size() > 4) return std::nullopt;
  const std::int64_t channels = shape.size() == 4 ? shape[3] : 1;
  constexpr std::int64_t kMaxSide = 1 << 20;
  if ((channels != 1 && channels != 3) || shape[1] < 1 || shape[2] < 1 || shape[1] > kMaxSide ||
      shape[2] > kMaxSide)
    return std::nullopt;
  return PictureShape{.height = static_cast<int>(shape[1]),
                      .width = static_cast<int>(shape[2]),
                      .channels = static_cast<int>(channels)};
}

}  // namespace

std::size_t bytes_of(StoredType type) {
  switch (type) {
    case StoredType::kBool:
    case StoredType::kU8:
    case StoredType::kI8:
      return 1;
    case StoredType::kU16:
    case StoredType::kI16:
    case StoredType::kF16:
      return 2;
    case StoredType::kU32:
    case StoredType::kI32:
    case StoredType::kF32:
      return 4;
    case StoredType::kU64:
    case StoredType::kI64:
    case StoredType::kF64:
      break;
  }
  return 8;
}

Element element_of(StoredType type) {
  switch (type) {
    case StoredType::kBool:
    case StoredType::kU8:
      return Element::kU8;
    case StoredType::kI8:
    case StoredType::kU16:
    case StoredType::kI16:
    case StoredType::kF16:
    case StoredType::kF32:
      return Element::kF32;
    default:
      return Element::kF64;
  }
}

std::uint64_t array_bytes(const ArrayLayout& layout, const std::string& name) {
  std::uint64_t bytes = bytes_of(layout.type);
  bool empty = false;
  for (const std::int64_t size : layout.shape) {
    empty |= size == 0;
    const auto factor = static_cast<std::uint64_t>(std::max<std::int64_t>(size, 1));
    if (__builtin_mul_overflow(bytes, factor, &bytes) || bytes > std::uint64_t{1} << 62)
      throw DataError(fmt::format("{}: its shape ({}) has more elements than can be", name,
                                  fmt::join(layout.shape, "x")));
  }
  return empty ? 0 : bytes;
}

std::string describe(const ArrayLayout& layout) {
  static constexpr const char* kNames[] = {"bool", "u8",  "i8",  "u16", "i16", "u32",
                                           "i32",  "u64", "i64", "f16", "f32", "f64"};
  return fmt::format("{} {}", fmt::join(layout.shape, "x"), kNames[static_cast<int>(layout.type)]);
}

StoredRows::StoredRows(std::unique_ptr<const RandomAccessFile> file, ArrayLayout layout,
                       std::string name, OnNote on_note)
    : file_(std::move(file)), layout_(std::move(layout)), on_note_(std::move(on_note)) {
  name_ = std::move(name);
  HADAL_CHECK(!layout_.shape.empty());
  std::uint64_t all = array_bytes(layout_, name_);
  rows_ = layout_.shape[0];
  cols_ = 1;
  for (std::size_t d = 1; d < layout_.shape.size(); ++d) cols_ *= layout_.shape[d];
  element_ = element_of(layout_.type);
  const bool element_type = layout_.type == StoredType::kU8 || layout_.type == StoredType::kF32 ||
                            layout_.type == StoredType::kF64;
  const bool swapped =
      layout_.big_endian != (std::endian::native == std::endian::big) && bytes_of(layout_.type) > 1;
  as_stored_ = element_type && !swapped;
  picture_ = picture_of(layout_);
  const std::uint64_t row = static_cast<std::uint64_t>(cols_) * bytes_of(layout_.type);
  // The last of rows that are apart need not be followed by what is between them.
  if (layout_.row_bytes > row && rows_ > 0) {
    HADAL_CHECK(!layout_.fortran);
    all = static_cast<std::uint64_t>(rows_ - 1) * layout_.row_bytes + row;
  }
  if (layout_.offset > file_->size() || all > file_->size() - layout_.offset)
    throw DataError(fmt::format("{}: truncated: {} needs {} bytes, the file has {}", name_,
                                describe(layout_), layout_.offset + all, file_->size()));
  if (layout_.row_bytes == 0) layout_.row_bytes = row;
}

void StoredRows::set_labels(std::vector<int> labels, std::vector<std::string> names) {
  HADAL_CHECK(labels.empty() || static_cast<std::int64_t>(labels.size()) == rows_);
  labels_ = std::move(labels);
  label_names_ = std::move(names);
}

const std::byte* StoredRows::in_place(std::int64_t first_row, std::int64_t rows) const {
  HADAL_CHECK(first_row >= 0 && rows >= 0 && first_row + rows <= rows_);
  const std::size_t size = bytes_of(layout_.type);
  if (file_->mapped() == nullptr || !as_stored_ || (layout_.fortran && cols_ > 1) ||
      layout_.offset % size != 0 ||
      (rows > 1 && layout_.row_bytes != static_cast<std::uint64_t>(cols_) * size))
    return nullptr;
  const std::byte* place =
      file_->mapped() + layout_.offset + static_cast<std::uint64_t>(first_row) * layout_.row_bytes;
  return reinterpret_cast<std::uintptr_t>(place) % size == 0 ? place : nullptr;
}

void StoredRows::read(std::int64_t first_row, std::int64_t rows, std::int64_t first_col,
                      std::int64_t cols, std::byte* to) const {
  HADAL_CHECK(first_row >= 0 && rows >= 0 && first_row + rows <= rows_);
  HADAL_CHECK(first_col >= 0 && cols >= 0 && first_col + cols <= cols_);
  if (rows == 0 || cols == 0) return;
  if (layout_.fortran) return read_fortran(first_row, rows, first_col, cols, to);
  const std::size_t size = bytes_of(layout_.type);
  const std::uint64_t wanted = static_cast<std::uint64_t>(cols) * size, stride = layout_.row_bytes;
  const std::uint64_t start = layout_.offset + static_cast<std::uint64_t>(first_row) * stride +
                              static_cast<std::uint64_t>(first_col) * size;
  if (as_stored_ && wanted == stride)
    return file_->read(start, static_cast<std::size_t>(wanted) * static_cast<std::size_t>(rows),
                       to);
  const auto all = static_cast<std::uint64_t>(rows);
  const std::uint64_t at_once = std::clamp<std::uint64_t>(kScratchBytes / stride, 1, all);
  std::vector<std::byte> scratch((at_once - 1) * stride + wanted);
  for (std::uint64_t r = 0; r < all; r += at_once) {
    const std::uint64_t n = std::min(at_once, all - r);
    file_->read(start + r * stride, (n - 1) * stride + wanted, scratch.data());
    for (std::uint64_t i = 0; i < n; ++i) {
      std::byte* out = to + (r + i) * static_cast<std::uint64_t>(cols) * bytes_of(element_);
      convert(scratch.data() + i * stride, size, static_cast<std::size_t>(cols), out);
    }
  }
}

// Pieces of a tile of columns are gathered, then turned.
void StoredRows::read_fortran(std::int64_t first_row, std::int64_t rows, std::int64_t first_col,
                              std::int64_t cols, std::byte* to) const {
  const std::size_t size = bytes_of(layout_.type);
  const std::size_t piece = static_cast<std::size_t>(rows) * size;
  const auto tile = static_cast<std::int64_t>(
      std::clamp<std::uint64_t>(kScratchBytes / piece, 1, static_cast<std::uint64_t>(cols)));
  std::vector<std::byte> scratch(static_cast<std::size_t>(tile) * piece);
  for (std::int64_t c = 0; c < cols; c += tile) {
    const std::int64_t n = std::min(tile, cols - c);
    for (std::int64_t j = 0; j < n; ++j) {
      const std::int64_t element = fortran_column(first_col + c + j) * rows_ + first_row;
      file_->read(layout_.offset + static_cast<std::uint64_t>(element) * size, piece,
                  scratch.data() + static_cast<std::size_t>(j) * piece);
    }
    for (std::int64_t r = 0; r < rows; ++r)
      convert(scratch.data() + static_cast<std::size_t>(r) * size, piece,
              static_cast<std::size_t>(n),
              to + static_cast<std::size_t>(r * cols + c) * bytes_of(element_));
  }
}

// The place of a flattened column, whose last index varies fastest, among the columns in the file,
// whose second index of the array does.
std::int64_t StoredRows::fortran_column(std::int64_t col) const {
  const std::vector<std::int64_t>& shape = layout_.shape;
  std::int64_t stride = cols_, place = 0;
  for (std::size_t d = shape.size() - 1; d >= 1; --d) {
    stride /= shape[d];
    place += col % shape[d] * stride;
    col /= shape[d];
  }
  return place;
}

void StoredRows::convert(const std::byte* from, std::size_t stride, std::size_t count,
                         std::byte* to) const {
  const bool swapped = layout_.big_endian != (std::endian::native == std::endian::big);
  const auto as = [&]<typename From, typename To>(From, To) {
    if (as_stored_ && stride == sizeof(From)) {
      std::memcpy(to, from, count * sizeof(From));
      return false;
    }
    return convert_all<From, To>(from, stride, swapped, count, to);
  };
  bool rounded = false;
  switch (layout_.type) {
    case StoredType::kBool:
    case StoredType::kU8:
      rounded = as(std::uint8_t{}, std::uint8_t{});
      break;
    case StoredType::kI8:
      rounded = as(std::int8_t{}, float{});
      break;
    case StoredType::kU16:
      rounded = as(std::uint16_t{}, float{});
      break;
    case StoredType::kI16:
      rounded = as(std::int16_t{}, float{});
      break;
    case StoredType::kU32:
      rounded = as(std::uint32_t{}, double{});
      break;
    case StoredType::kI32:
      rounded = as(std::int32_t{}, double{});
      break;
    case StoredType::kU64:
      rounded = as(std::uint64_t{}, double{});
      break;
    case StoredType::kI64:
      rounded = as(std::int64_t{}, double{});
      break;
    case StoredType::kF16:
      rounded = as(Half{}, float{});
      break;
    case StoredType::kF32:
      rounded = as(float{}, float{});
      break;
    case StoredType::kF64:
      rounded = as(double{}, double{});
      break;
  }
  if (rounded && on_note_ && !noted_.exchange(true))
    on_note_(fmt::format("{}: integers of more than 53 bits are rounded to float64", name_));
}

void StoredRows::release(std::int64_t first_row, std::int64_t rows) const {
  if (!layout_.fortran)
    file_->release(layout_.offset + static_cast<std::uint64_t>(first_row) * layout_.row_bytes,
                   static_cast<std::uint64_t>(rows) * layout_.row_bytes);
}

}  // namespace hadal::matrix

#include "core/tensor.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include <sys/mman.h>

namespace hadal {
namespace {

constexpr std::size_t kLargePage = std::size_t{2} << 20;

template <typename From, typename To>
void convert(const TensorView& from, const TensorView& to) {
  const From* x = from.as<From>();
  To* y = to.as<To>();
  if (from.layout == to.layout) {
    for (std::int64_t i = 0; i < from.shape.elements(); ++i) y[i] = static_cast<To>(x[i]);
    return;
  }
  const Shape& s = from.shape;
  for (std::int64_t n = 0; n < s.n(); ++n)
    for (std::int64_t h = 0; h < s.h(); ++h)
      for (std::int64_t w = 0; w < s.w(); ++w)
        for (std::int64_t c = 0; c < s.c(); ++c)
          y[offset_of(to, n, h, w, c)] = static_cast<To>(x[offset_of(from, n, h, w, c)]);
}

}  // namespace

std::size_t size_of(DType type) {
  switch (type) {
    case DType::kFloat32:
    case DType::kInt32:
      return 4;
    case DType::kFloat64:
      return 8;
    case DType::kUint8:
      return 1;
  }
  return 0;
}

std::string_view name_of(DType type) {
  switch (type) {
    case DType::kFloat32:
      return "float32";
    case DType::kFloat64:
      return "float64";
    case DType::kInt32:
      return "int32";
    case DType::kUint8:
      return "uint8";
  }
  return "";
}

AlignedBuffer::AlignedBuffer(std::size_t bytes) : bytes_(bytes) {
  // Large pages where the system gives them on request: walks over an arena miss fewer
  // translations, and the hardware fetches ahead up to 2 MiB instead of 4 KiB.
  const bool large = bytes >= 2 * kLargePage;
  const std::size_t alignment = large ? kLargePage : 64;
  const std::size_t rounded =
      (std::max<std::size_t>(bytes, 1) + alignment - 1) / alignment * alignment;
  auto* data = static_cast<std::byte*>(std::aligned_alloc(alignment, rounded));
  if (data == nullptr) throw std::bad_alloc();
  if (large) madvise(data, rounded, MADV_HUGEPAGE);  // a wish: failing changes nothing
  std::memset(data, 0, rounded);
  data_.reset(data);
}

void AlignedBuffer::Free::operator()(std::byte* data) const { std::free(data); }

Tensor::Tensor(const Shape& shape, DType type, Layout layout)
    : shape_(shape),
      type_(type),
      layout_(layout),
      buffer_(static_cast<std::size_t>(shape.elements()) * size_of(type)) {}

Tensor Tensor::clone() const {
  Tensor copy(shape_, type_, layout_);
  std::memcpy(copy.buffer_.data(), buffer_.data(), view().bytes());
  return copy;
}

void copy_converted(const TensorView& from, const TensorView& to) {
  HADAL_CHECK(from.shape == to.shape);
  if (from.type == to.type && from.layout == to.layout) {
    std::memcpy(to.data, from.data, from.bytes());
    return;
  }
  if (from.type == DType::kFloat32 && to.type == DType::kFloat64)
    return convert<float, double>(from, to);
  if (from.type == DType::kFloat64 && to.type == DType::kFloat32)
    return convert<double, float>(from, to);
  if (from.type == DType::kFloat32 && to.type == DType::kFloat32)
    return convert<float, float>(from, to);
  if (from.type == DType::kFloat64 && to.type == DType::kFloat64)
    return convert<double, double>(from, to);
  HADAL_CHECK(!"conversion between these types");
}

}  // namespace hadal

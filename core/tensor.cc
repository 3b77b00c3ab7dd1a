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

std::byte* bytes_of(const TensorView& view) { return static_cast<std::byte*>(view.data); }

void copy_bytes(const TensorView& from, const TensorView& to) {
  if (from.bytes() == 0) return;
  if (from.device && to.device) {
    HADAL_CHECK(from.device == to.device);
    from.device->copy(bytes_of(from), bytes_of(to), from.bytes());
  } else if (from.device) {
    from.device->download(bytes_of(from), bytes_of(to), from.bytes());
  } else if (to.device) {
    to.device->upload(bytes_of(from), bytes_of(to), from.bytes());
  } else {
    std::memcpy(to.data, from.data, from.bytes());
  }
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

AlignedBuffer::AlignedBuffer(std::size_t bytes, Device* device) : bytes_(bytes) {
  if (device) {
    data_ = {device->allocate(bytes), Free{device}};
    return;
  }
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

void AlignedBuffer::Free::operator()(std::byte* data) const {
  if (device)
    device->release(data);
  else
    std::free(data);
}

Tensor::Tensor(const Shape& shape, DType type, Layout layout, Device* device)
    : shape_(shape),
      type_(type),
      layout_(layout),
      device_(device),
      buffer_(static_cast<std::size_t>(shape.elements()) * size_of(type), device) {}

Tensor Tensor::clone() const {
  Tensor copy(shape_, type_, layout_, device_);
  copy_bytes(view(), copy.view());
  return copy;
}

void fill_bytes(const TensorView& view, std::byte value) {
  if (view.device)
    view.device->fill(bytes_of(view), value, view.bytes());
  else
    std::memset(view.data, static_cast<int>(value), view.bytes());
}

HostView::HostView(const TensorView& view) : view_(view) {
  if (!view.device) return;
  view_.device = nullptr;
  if (!view) return;
  copy_ = Tensor(view.shape, view.type, view.layout);
  copy_bytes(view, copy_.view());
  view_ = copy_.view();
}

void copy_converted(const TensorView& from, const TensorView& to) {
  HADAL_CHECK(from.shape == to.shape);
  if (from.type == to.type && from.layout == to.layout) return copy_bytes(from, to);
  if (from.device) return copy_converted(HostView(from).view(), to);
  if (to.device) {
    const Tensor converted(to.shape, to.type, to.layout);
    copy_converted(from, converted.view());
    return copy_bytes(converted.view(), to);
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

// Dense tensors in the host's memory or in a device's, and views of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "core/base/error.h"
#include "core/device.h"
#include "core/shape.h"

namespace hadal {

enum class DType { kFloat32, kFloat64, kInt32, kUint8 };

std::size_t size_of(DType type);
std::string_view name_of(DType type);

template <typename T>
constexpr DType dtype_of();
template <>
constexpr DType dtype_of<float>() {
  return DType::kFloat32;
}
template <>
constexpr DType dtype_of<double>() {
  return DType::kFloat64;
}
template <>
constexpr DType dtype_of<std::int32_t>() {
  return DType::kInt32;
}
template <>
constexpr DType dtype_of<std::uint8_t>() {
  return DType::kUint8;
}

/// How the elements of an N x H x W x C value lie in memory. kNhwc: c fastest. kNChw16c: N x C/16 x
/// H x W x 16, the CPU backend's own order for channel counts that are multiples of 16 (the same as
/// kNhwc when C is 16 or H = W = 1).
enum class Layout { kNhwc, kNChw16c };

/// Borrowed memory with its meaning; `data` is null for a tensor that is absent (a closed gate, an
/// unwanted gradient). `device` is null for memory that the host reads and writes like any other.
struct TensorView {
  void* data = nullptr;
  Shape shape;
  DType type = DType::kFloat32;
  Layout layout = Layout::kNhwc;
  Device* device = nullptr;

  explicit operator bool() const { return data != nullptr; }
  std::size_t bytes() const { return static_cast<std::size_t>(shape.elements()) * size_of(type); }

  template <typename T>
  T* as() const {
    HADAL_CHECK(type == dtype_of<T>());
    return static_cast<T*>(data);
  }
};

/// Memory aligned to 64 bytes, zeroed; the host's, or that of `device`, which must outlive it.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t bytes, Device* device = nullptr);
  std::byte* data() const { return data_.get(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Free {
    Free() : device(nullptr) {}
    explicit Free(Device* d) : device(d) {}
    void operator()(std::byte* data) const;
    Device* device;
  };
  std::unique_ptr<std::byte, Free> data_;
  std::size_t bytes_ = 0;
};

/// A tensor that owns its memory (zeroed at first).
class Tensor {
 public:
  Tensor() = default;
  explicit Tensor(const Shape& shape, DType type = DType::kFloat32, Layout layout = Layout::kNhwc,
                  Device* device = nullptr);

  const Shape& shape() const { return shape_; }
  DType type() const { return type_; }
  Device* device() const { return device_; }
  TensorView view() const { return {buffer_.data(), shape_, type_, layout_, device_}; }
  Tensor clone() const;

  template <typename T>
  T* as() const {
    return view().as<T>();
  }
  template <typename T>
  std::span<T> span() const {
    return {as<T>(), static_cast<std::size_t>(shape_.elements())};
  }

 private:
  Shape shape_;
  DType type_ = DType::kFloat32;
  Layout layout_ = Layout::kNhwc;
  Device* device_ = nullptr;
  AlignedBuffer buffer_;
};

/// Position of (n, h, w, c) in a view's memory, whatever its layout.
inline std::int64_t offset_of(const TensorView& v, std::int64_t n, std::int64_t h, std::int64_t w,
                              std::int64_t c) {
  const Shape& s = v.shape;
  if (v.layout == Layout::kNhwc) return ((n * s.h() + h) * s.w() + w) * s.c() + c;
  return (((n * (s.c() / 16) + c / 16) * s.h() + h) * s.w() + w) * 16 + c % 16;
}

/// Copies `from` to `to` (same shape), converting between float32 and float64 and between layouts,
/// wherever the two lie.
void copy_converted(const TensorView& from, const TensorView& to);

/// Sets every byte of a tensor, wherever it lies.
void fill_bytes(const TensorView& view, std::byte value);

/// What a tensor holds, for the host to read: the memory itself where the host sees it, else a copy
/// made now. A tensor that is absent stays absent.
class HostView {
 public:
  explicit HostView(const TensorView& view);
  const TensorView& view() const { return view_; }
  template <typename T>
  const T* as() const {
    return view_.as<T>();
  }

 private:
  Tensor copy_;
  TensorView view_;
};

}  // namespace hadal

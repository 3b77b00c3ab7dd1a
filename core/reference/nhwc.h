#pragma once

#include "core/tensor.h"

namespace hadal::reference {

/// An N x H x W x C view by its indices; N x C counts as 1 x 1 pixels.
template <typename T>
class Nhwc {
 public:
  explicit Nhwc(const TensorView& view)
      : data_(view.as<T>()), h_(view.shape.h()), w_(view.shape.w()), c_(view.shape.c()) {
    HADAL_CHECK(view.layout == Layout::kNhwc);
  }

  /// The channels of a pixel, one after another.
  T* pixel(std::int64_t n, std::int64_t h, std::int64_t w) const {
    return data_ + ((n * h_ + h) * w_ + w) * c_;
  }
  T& operator()(std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t c) const {
    return pixel(n, h, w)[c];
  }

 private:
  T* data_;
  std::int64_t h_, w_, c_;
};

}  // namespace hadal::reference

#pragma once

#include <cstdint>
#include <string>

#include "core/backend.h"
#include "core/base/portable.h"

namespace hadal::cuda {

/// All that a convolution's kernels must know, as numbers that kernels can carry.
struct ConvolutionForm {
  std::int64_t n = 0, h = 0, w = 0, c = 0;     // x
  std::int64_t out_h = 0, out_w = 0, out = 0;  // y
  std::int64_t kernel_h = 0, kernel_w = 0;
  std::int64_t stride_h = 1, stride_w = 1, dilation = 1, groups = 1;
  std::int64_t top = 0, bottom = 0, left = 0, right = 0;  // padding
  bool bias = false;

  HADAL_PORTABLE std::int64_t group_channels() const { return c / groups; }
  HADAL_PORTABLE std::int64_t group_maps() const { return out / groups; }
  HADAL_PORTABLE std::int64_t x_elements() const { return n * h * w * c; }
  HADAL_PORTABLE std::int64_t y_elements() const { return n * out_h * out_w * out; }
  HADAL_PORTABLE std::int64_t weight_elements() const {
    return out * kernel_h * kernel_w * group_channels();
  }

  /// Row (column) of x under row r (column s) of the kernel at row p (column q) of y.
  HADAL_PORTABLE std::int64_t row(std::int64_t p, std::int64_t r) const {
    return p * stride_h + r * dilation - top;
  }
  HADAL_PORTABLE std::int64_t column(std::int64_t q, std::int64_t s) const {
    return q * stride_w + s * dilation - left;
  }
  /// Positions in x and in the weights.
  HADAL_PORTABLE std::int64_t pixel(std::int64_t image, std::int64_t y, std::int64_t x) const {
    return ((image * h + y) * w + x) * c;
  }
  HADAL_PORTABLE std::int64_t first_channel(std::int64_t map) const {
    return map / group_maps() * group_channels();
  }
  HADAL_PORTABLE std::int64_t tap(std::int64_t map, std::int64_t r, std::int64_t s) const {
    return ((map * kernel_h + r) * kernel_w + s) * group_channels();
  }

  /// "x128x32x32x16 w16x3x3x16 y32x32 stride1x1 dilation1 padding1,1,1,1".
  std::string to_string() const;
};

ConvolutionForm form_of(const Conv2dOp& op, const KernelContext& context);

}  // namespace hadal::cuda

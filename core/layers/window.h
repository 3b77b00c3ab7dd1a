// Where windows (of a convolution or a pooling) lie on an image.
#pragma once

#include <cstdint>
#include <variant>

#include "core/ops.h"
#include "core/shape.h"

namespace hadal {

/// With k the extent of the window, dilation included, and s its stride:
/// kSameHalf  floor(k/2) on every side; keeps the size when k is odd and s is 1.
/// kTfSame    output ceil(in/s), TensorFlow's "same": max((ceil(in/s) - 1) s + k - in, 0) cells in
///            all, the smaller half before, so an odd one is added at the bottom and right. A 3x3
///            window with stride 2 on 32 x 32 gets 0 before and 1 after.
/// kValid     none.
enum class PaddingRule { kSameHalf, kTfSame, kValid };

/// A rule, or the rows and columns themselves.
using PaddingOption = std::variant<PaddingRule, Padding>;

/// Extents of a window and its steps.
struct Window {
  int height = 1, width = 1;
  int stride_h = 1, stride_w = 1;
  int dilation = 1;

  int extent_h() const { return (height - 1) * dilation + 1; }
  int extent_w() const { return (width - 1) * dilation + 1; }
};

/// What a rule means on an image `in` (N x H x W x C). Throws ConfigError for negative padding.
Padding resolve(const PaddingOption& padding, const Shape& in, const Window& window);

/// Whether the last window must lie inside the padded image (convolutions), or the image's last
/// cells get a window that may hang over (Caffe's pooling). A window that would begin behind the
/// image and its padding at the top or left is left out.
enum class Rounding { kFloor, kCeil };

/// Extents of the grid of windows on `in`, with `channels`: N x H' x W' x channels. Throws
/// ShapeError unless `in` has four dimensions and at least one window fits.
Shape windowed_shape(const Shape& in, const Window& window, const Padding& padding,
                     Rounding rounding, std::int64_t channels);

}  // namespace hadal

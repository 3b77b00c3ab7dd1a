#include "core/layers/window.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/layers/expect.h"

namespace hadal {
namespace {

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Cells that TensorFlow's "same" adds along one side.
int same_total(std::int64_t in, int extent, int stride) {
  return static_cast<int>(
      std::max<std::int64_t>((divide_up(in, stride) - 1) * stride + extent - in, 0));
}

/// Places of a window along one side; 0 when it does not fit.
std::int64_t places(std::int64_t in, int before, int after, int extent, int stride,
                    Rounding rounding) {
  const std::int64_t room = in + before + after - extent;
  if (rounding == Rounding::kFloor) return room < 0 ? 0 : room / stride + 1;
  if (in <= 0) return 0;
  const std::int64_t count = room < 0 ? 1 : divide_up(room, stride) + 1;
  return (count - 1) * stride >= in + before ? count - 1 : count;
}

}  // namespace

Padding resolve(const PaddingOption& padding, const Shape& in, const Window& window) {
  if (const auto* given = std::get_if<Padding>(&padding)) {
    if (std::min({given->top, given->bottom, given->left, given->right}) < 0)
      throw ConfigError("padding is negative; crop with a stride or a smaller input instead");
    return *given;
  }
  expect_rank(in, 4, "input", "N x H x W x C");
  switch (std::get<PaddingRule>(padding)) {
    case PaddingRule::kSameHalf: {
      const int h = window.extent_h() / 2, w = window.extent_w() / 2;
      return {.top = h, .bottom = h, .left = w, .right = w};
    }
    case PaddingRule::kTfSame: {
      const int h = same_total(in.h(), window.extent_h(), window.stride_h);
      const int w = same_total(in.w(), window.extent_w(), window.stride_w);
      return {.top = h / 2, .bottom = h - h / 2, .left = w / 2, .right = w - w / 2};
    }
    case PaddingRule::kValid:
      break;
  }
  return {};
}

Shape windowed_shape(const Shape& in, const Window& window, const Padding& padding,
                     Rounding rounding, std::int64_t channels) {
  expect_rank(in, 4, "input", "N x H x W x C");
  const std::int64_t h =
      places(in.h(), padding.top, padding.bottom, window.extent_h(), window.stride_h, rounding);
  const std::int64_t w =
      places(in.w(), padding.left, padding.right, window.extent_w(), window.stride_w, rounding);
  if (h == 0 || w == 0)
    throw ShapeError(fmt::format("a window of {}x{} does not fit on input {}", window.extent_h(),
                                 window.extent_w(), in.to_string()));
  return {in.n(), h, w, channels};
}

}  // namespace hadal

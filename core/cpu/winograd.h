// 3 x 3 convolutions of stride 1 by Winograd's minimal filtering F(4 x 4, 3 x 3): 36
// multiplications where the direct sum needs 144 (Lavin & Gray 2016). For values in nChw16c on
// AVX-512.
//
//   y = A^T [ (G w G^T) * (B^T x B) ] A        over 6 x 6 input tiles, 4 x 4 outputs each,
//   dw = G^T [ (B^T x B) * (A dy A^T) ] G      summed over tiles, * element by element
//
// The interpolation points are 0, +-1/sqrt(2), +-sqrt(2), infinity instead of the usual 0, +-1,
// +-2, infinity: the largest error against the exact sum, over the root mean square of the result,
// falls from 1.4e-5 to 2.7e-6 for 16 channels of normal numbers (tests/core/cpu/winograd_test.cc).
//
// Tiles are worked off in chunks small enough for the second-level cache, so nothing but x, y and
// the weights touches main memory. All sums run in one fixed order.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hadal::cpu {

/// x: n x in/16 x height x width x 16, y: n x out/16 x out_height x out_width x 16,
/// w: out x 3 x 3 x in.
struct WinogradShape {
  std::int64_t n, height, width, in, out_height, out_width, out;
  int top, left;  // padding before
};

class Winograd {
 public:
  explicit Winograd(const WinogradShape& shape) : shape_(shape) {}

  std::size_t workspace_bytes() const;

  /// y = w * x + bias (bias may be null).
  void forward(const float* x, const float* w, const float* bias, float* y, void* workspace) const;
  /// dx = w^T * dy, or dx += when `add`.
  void backward_data(const float* dy, const float* w, bool add, float* dx, void* workspace) const;
  /// dw, overwritten.
  void backward_weights(const float* x, const float* dy, float* dw, void* workspace) const;

 private:
  WinogradShape shape_;
};

}  // namespace hadal::cpu

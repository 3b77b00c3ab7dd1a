// A value as rows of up to 16 channels, one vector each: what lets one loop serve nChw16c and NHWC
// of any channel count.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/cpu/avx512.h"
#include "core/cpu/layout.h"

namespace hadal::cpu {

struct ChannelRows {
  explicit ChannelRows(const TensorView& view)
      : images(view.shape.n()),
        pixels(view.shape.h() * view.shape.w()),
        channels(view.shape.c()),
        blocks((channels + kBlock - 1) / kBlock) {
    const bool blocked = is_blocked(view);
    pixel_stride = blocked ? kBlock : channels;
    block_stride = blocked ? pixels * kBlock : kBlock;
  }

  /// First element of the row of (image, block) at pixel 0; pixels are pixel_stride apart.
  std::int64_t row(std::int64_t image, std::int64_t block) const {
    return image * pixels * channels + block * block_stride;
  }
  /// Which lanes of a block hold channels.
  __mmask16 lanes(std::int64_t block) const {
    const std::int64_t count = std::min(kBlock, channels - block * kBlock);
    return static_cast<__mmask16>((1u << count) - 1);
  }
  std::int64_t padded_channels() const { return blocks * kBlock; }

  std::int64_t images, pixels, channels, blocks;
  std::int64_t pixel_stride, block_stride;
};

/// Sums run in float32 over so many pixels, and in double over the partial sums.
inline constexpr std::int64_t kPixelsInFloat = 1024;

/// Sixteen sums in double.
class DoubleSum {
 public:
  HADAL_AVX512_INLINE void add(__m512 x) {
    low_ = _mm512_add_pd(low_, _mm512_cvtps_pd(_mm512_castps512_ps256(x)));
    high_ = _mm512_add_pd(high_, _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1)));
  }
  HADAL_AVX512_INLINE void store_to(double* sums) const {
    _mm512_storeu_pd(sums, low_);
    _mm512_storeu_pd(sums + 8, high_);
  }
  HADAL_AVX512_INLINE __m512 as_float() const {
    return _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(low_)), _mm512_cvtpd_ps(high_),
                              1);
  }

 private:
  __m512d low_ = {}, high_ = {};
};

}  // namespace hadal::cpu

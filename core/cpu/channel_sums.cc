#include "core/cpu/channel_sums.h"

#include "core/cpu/channel_rows.h"

namespace hadal::cpu {

HADAL_AVX512 void channel_sums(const TensorView& view, float* sums) {
  const ChannelRows rows(view);
  const float* x = view.as<float>();
  for (std::int64_t b = 0; b < rows.blocks; ++b) {
    const __mmask16 lanes = rows.lanes(b);
    DoubleSum total;
    for (std::int64_t n = 0; n < rows.images; ++n)
      for (std::int64_t first = 0; first < rows.pixels; first += kPixelsInFloat) {
        const float* row = x + rows.row(n, b) + first * rows.pixel_stride;
        const std::int64_t count = std::min(kPixelsInFloat, rows.pixels - first);
        __m512 sum = _mm512_setzero_ps();
        for (std::int64_t p = 0; p < count; ++p)
          sum = plus(sum, _mm512_maskz_loadu_ps(lanes, row + p * rows.pixel_stride));
        total.add(sum);
      }
    _mm512_mask_storeu_ps(sums + b * kBlock, lanes, total.as_float());
  }
}

}  // namespace hadal::cpu

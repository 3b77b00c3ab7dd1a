// Rounding into the words of a sum, sixteen floats or eight doubles at a time.
#pragma once

#include <cstdint>

#include "core/cpu/avx512.h"
#include "core/linalg/sum_words.h"

namespace hadal::linalg {

inline constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;

// words[at + i] += value of lane i, in units, for lanes in `mask`.
HADAL_AVX512_INLINE void add_eight(const WordRow& words, std::int64_t at, __mmask8 mask,
                                   __m512d value) {
  const __m512d units = _mm512_mul_pd(value, _mm512_set1_pd(words.per_unit));
  std::int64_t* const high = words.high + at;
  _mm512_mask_storeu_epi64(
      high, mask,
      _mm512_add_epi64(_mm512_maskz_loadu_epi64(mask, high), _mm512_cvtpd_epi64(units)));
  if (words.low == nullptr) return;
  const __m512d rest = _mm512_sub_pd(units, _mm512_roundscale_pd(units, kNearest));
  std::int64_t* const low = words.low + at;
  _mm512_mask_storeu_epi64(
      low, mask,
      _mm512_add_epi64(_mm512_maskz_loadu_epi64(mask, low),
                       _mm512_cvtpd_epi64(_mm512_mul_pd(rest, _mm512_set1_pd(0x1p36)))));
}

HADAL_AVX512_INLINE unsigned lanes_between(int first, int last) {
  return ((1u << last) - 1) & ~((1u << first) - 1);
}

// The same for floats, keeping the largest magnitudes.
HADAL_AVX512_INLINE void add_sixteen(const WordRow& words, std::int64_t at, unsigned mask,
                                     __m512 values, __m512i& largest) {
  largest = _mm512_max_epu32(
      largest, _mm512_maskz_and_epi32(static_cast<__mmask16>(mask), _mm512_castps_si512(values),
                                      _mm512_set1_epi32(0x7fffffff)));
  add_eight(words, at, static_cast<__mmask8>(mask),
            _mm512_cvtps_pd(_mm512_castps512_ps256(values)));
  add_eight(words, at + 8, static_cast<__mmask8>(mask >> 8),
            _mm512_cvtps_pd(_mm512_extractf32x8_ps(values, 1)));
}

}  // namespace hadal::linalg

// Rounding into the words of a sum, four doubles at a time.
#pragma once

#include <cstdint>

#include <immintrin.h>

#include "core/linalg/sum_words.h"

#define HADAL_AVX2 __attribute__((target("avx2,fma")))
#define HADAL_AVX2_INLINE HADAL_AVX2 __attribute__((always_inline)) inline

namespace hadal::linalg {

// AVX2 converts no double to 64 bits. A double near kWhole = 1.5 2^52 has a step of 1 and its
// integer in the low bits, so adding kWhole rounds to a whole number, ties to even, below 2^51.
inline constexpr double kWhole = 0x1.8p52;
inline constexpr std::int64_t kWholeBits = 0x4338000000000000;

struct SplitUnits {
  __m256d high, low;  // units = high 2^32 + low, |low| <= 2^31, both exact
};

HADAL_AVX2_INLINE SplitUnits split(__m256d units) {
  const __m256d high = _mm256_round_pd(_mm256_mul_pd(units, _mm256_set1_pd(0x1p-32)),
                                       _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  return {high, _mm256_fnmadd_pd(high, _mm256_set1_pd(0x1p32), units)};
}

HADAL_AVX2_INLINE void add_to_words(std::int64_t* words, __m256i terms) {
  auto* const to = reinterpret_cast<__m256i*>(words);
  _mm256_storeu_si256(to, _mm256_add_epi64(_mm256_loadu_si256(to), terms));
}

// words[at + i] += value of lane i, where that is below 2^51 units and there is one limb.
HADAL_AVX2_INLINE void add_four_small(const WordRow& words, std::int64_t at, __m256d value) {
  const __m256d bits =
      _mm256_fmadd_pd(value, _mm256_set1_pd(words.per_unit), _mm256_set1_pd(kWhole));
  add_to_words(words.high + at,
               _mm256_sub_epi64(_mm256_castpd_si256(bits), _mm256_set1_epi64x(kWholeBits)));
}

// words[at + i] += value of lane i, in units. What passes 2^62 is void: the peak says so.
HADAL_AVX2_INLINE void add_four(const WordRow& words, std::int64_t at, __m256d value) {
  const __m256d whole = _mm256_set1_pd(kWhole);
  const __m256i bits = _mm256_set1_epi64x(kWholeBits);
  const SplitUnits units = split(_mm256_mul_pd(value, _mm256_set1_pd(words.per_unit)));
  const __m256d low = _mm256_add_pd(units.low, whole);
  const __m256i high = _mm256_castpd_si256(_mm256_add_pd(units.high, whole));  // its bits go out
  add_to_words(words.high + at, _mm256_add_epi64(_mm256_slli_epi64(high, 32),
                                                 _mm256_sub_epi64(_mm256_castpd_si256(low), bits)));
  if (words.low == nullptr) return;
  const __m256d rest = _mm256_sub_pd(units.low, _mm256_sub_pd(low, whole));
  const __m256d scaled = _mm256_add_pd(_mm256_mul_pd(rest, _mm256_set1_pd(0x1p36)), whole);
  add_to_words(words.low + at, _mm256_sub_epi64(_mm256_castpd_si256(scaled), bits));
}

// All ones in the lanes [first, last) of eight.
HADAL_AVX2_INLINE __m256i lanes_of_eight(int first, int last) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_andnot_si256(_mm256_cmpgt_epi32(_mm256_set1_epi32(first), lane),
                             _mm256_cmpgt_epi32(_mm256_set1_epi32(last), lane));
}
HADAL_AVX2_INLINE __m256i lanes_of_four(int first, int last) {
  const __m256i lane = _mm256_setr_epi64x(0, 1, 2, 3);
  return _mm256_andnot_si256(_mm256_cmpgt_epi64(_mm256_set1_epi64x(first), lane),
                             _mm256_cmpgt_epi64(_mm256_set1_epi64x(last), lane));
}

// Lanes [first, last) of four, one by one: at the edges of a sum.
HADAL_AVX2 __attribute__((noinline)) inline void add_lanes(const WordRow& words, std::int64_t at,
                                                           int first, int last, __m256d value) {
  alignas(32) double lanes[4];
  _mm256_store_pd(lanes, value);
  for (int i = first > 0 ? first : 0; i < (last < 4 ? last : 4); ++i)
    add_units(words, at + i, lanes[i]);
}

HADAL_AVX2_INLINE void add_some_of_four(const WordRow& words, std::int64_t at, int first, int last,
                                        __m256d value) {
  if (__builtin_expect(first <= 0 && last >= 4, 1))
    add_four(words, at, value);
  else
    add_lanes(words, at, first, last, value);
}

}  // namespace hadal::linalg

// Functions marked HADAL_AVX512 are compiled for AVX-512 in a build for any x86-64, and called only
// where the backend found the machine to have it. Small helpers must be inlined into such a
// function, hence HADAL_AVX512_INLINE.
#pragma once

#include <immintrin.h>

#define HADAL_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma,bmi2")))
#define HADAL_AVX512_INLINE HADAL_AVX512 __attribute__((always_inline)) inline

namespace hadal::cpu {

HADAL_AVX512_INLINE __m512 load(const float* p) { return _mm512_loadu_ps(p); }
HADAL_AVX512_INLINE void store(float* p, __m512 v) { _mm512_storeu_ps(p, v); }
// Begins to load the line of an address, which need not be valid.
HADAL_AVX512_INLINE void fetch(const float* p) { __builtin_prefetch(p, 0); }
HADAL_AVX512_INLINE void fetch_for_writing(const float* p) { __builtin_prefetch(p, 1); }
// Only some lanes: the others are loaded as 0 and not stored.
HADAL_AVX512_INLINE __m512 load(const float* p, __mmask16 lanes) {
  return _mm512_maskz_loadu_ps(lanes, p);
}
HADAL_AVX512_INLINE void store(float* p, __mmask16 lanes, __m512 v) {
  _mm512_mask_storeu_ps(p, lanes, v);
}
// a x + y
HADAL_AVX512_INLINE __m512 fma(float a, __m512 x, __m512 y) {
  return _mm512_fmadd_ps(_mm512_set1_ps(a), x, y);
}
HADAL_AVX512_INLINE __m512 times(float a, __m512 x) { return _mm512_mul_ps(_mm512_set1_ps(a), x); }
HADAL_AVX512_INLINE __m512 plus(__m512 x, __m512 y) { return _mm512_add_ps(x, y); }
HADAL_AVX512_INLINE __m512 minus(__m512 x, __m512 y) { return _mm512_sub_ps(x, y); }

}  // namespace hadal::cpu

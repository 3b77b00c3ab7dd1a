// The one-dimensional transforms of F(4, 3) for the points 0, +-a, +-b, infinity with a =
// 1/sqrt(2), b = sqrt(2) (Toom-Cook; Lavin & Gray 2016 for the matrices' roles). Even and odd
// powers are summed apart, so a pair of points +-p shares its sums.
#pragma once

#include "core/cpu/avx512.h"

namespace hadal::cpu {

inline constexpr float kA = 0.70710678118654752f, kB = 1.41421356237309505f;  // kA kB = 1
inline constexpr float kA2 = 0.5f, kB2 = 2.0f, kSum = 2.5f;                   // kA2 + kB2
inline constexpr float kA3 = 0.35355339059327376f, kB3 = 2.82842712474619010f;

// v = B^T d.
HADAL_AVX512_INLINE void input_1d(const __m512 (&d)[6], __m512 (&v)[6]) {
  v[0] = plus(fma(-kSum, d[2], d[0]), d[4]);
  const __m512 even_a = fma(-kB2, d[2], d[4]), odd_a = fma(-kB2, d[1], d[3]);
  v[1] = fma(kA, odd_a, even_a);
  v[2] = fma(-kA, odd_a, even_a);
  const __m512 even_b = fma(-kA2, d[2], d[4]), odd_b = fma(-kA2, d[1], d[3]);
  v[3] = fma(kB, odd_b, even_b);
  v[4] = fma(-kB, odd_b, even_b);
  v[5] = plus(fma(-kSum, d[3], d[1]), d[5]);
}

// y = A^T m.
HADAL_AVX512_INLINE void output_1d(const __m512 (&m)[6], __m512 (&y)[4]) {
  const __m512 sum_a = plus(m[1], m[2]), difference_a = minus(m[1], m[2]);
  const __m512 sum_b = plus(m[3], m[4]), difference_b = minus(m[3], m[4]);
  y[0] = plus(plus(m[0], sum_a), sum_b);
  y[1] = fma(kA, difference_a, times(kB, difference_b));
  y[2] = fma(kA2, sum_a, times(kB2, sum_b));
  y[3] = fma(kA3, difference_a, fma(kB3, difference_b, m[5]));
}

// m = A y.
HADAL_AVX512_INLINE void gradient_1d(const __m512 (&y)[4], __m512 (&m)[6]) {
  m[0] = y[0];
  const __m512 even_a = fma(kA2, y[2], y[0]), odd_a = fma(kA2, y[3], y[1]);
  m[1] = fma(kA, odd_a, even_a);
  m[2] = fma(-kA, odd_a, even_a);
  const __m512 even_b = fma(kB2, y[2], y[0]), odd_b = fma(kB2, y[3], y[1]);
  m[3] = fma(kB, odd_b, even_b);
  m[4] = fma(-kB, odd_b, even_b);
  m[5] = y[3];
}

// Rows of G: [1, p, p^2] / N.
inline constexpr float kG0 = 1.0f;                            // 1 / (a^2 b^2)
inline constexpr float kGa = 1.0f / (2 * kA2 * (kA2 - kB2));  // -2/3
inline constexpr float kGb = 1.0f / (2 * kB2 * (kB2 - kA2));  // 1/6

// u = G g.
HADAL_AVX512_INLINE void weight_1d(const __m512 (&g)[3], __m512 (&u)[6]) {
  u[0] = times(kG0, g[0]);
  const __m512 even_a = times(kGa, fma(kA2, g[2], g[0])), odd_a = times(kGa * kA, g[1]);
  u[1] = plus(even_a, odd_a);
  u[2] = minus(even_a, odd_a);
  const __m512 even_b = times(kGb, fma(kB2, g[2], g[0])), odd_b = times(kGb * kB, g[1]);
  u[3] = plus(even_b, odd_b);
  u[4] = minus(even_b, odd_b);
  u[5] = g[2];
}

// g = G^T u.
HADAL_AVX512_INLINE void weight_gradient_1d(const __m512 (&u)[6], __m512 (&g)[3]) {
  const __m512 sum_a = times(kGa, plus(u[1], u[2])), sum_b = times(kGb, plus(u[3], u[4]));
  g[0] = plus(plus(u[0], sum_a), sum_b);
  g[1] = fma(kGa * kA, minus(u[1], u[2]), times(kGb * kB, minus(u[3], u[4])));
  g[2] = plus(fma(kA2, sum_a, times(kB2, sum_b)), u[5]);
}

}  // namespace hadal::cpu

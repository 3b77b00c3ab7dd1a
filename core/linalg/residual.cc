#include "core/linalg/residual.h"

#include <algorithm>
#include <cmath>

#include "core/cpu/avx512.h"
#include "core/linalg/avx2_words.h"
#include "core/linalg/row_block.h"

namespace hadal::linalg {
namespace {

constexpr std::int64_t kChains = 32;

double sum_of_lanes(const double* lanes) {  // 8 of them
  return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) +
         ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

// For the baseline and, where their body is inlined, for AVX2: the same chains.
__attribute__((always_inline)) inline double dot_of(const double* a, const double* x,
                                                    std::int64_t n) {
  double chains[kChains] = {};
  std::int64_t j = 0;
  for (; j + kChains <= n; j += kChains)
    for (std::int64_t c = 0; c < kChains; ++c) chains[c] = std::fma(a[j + c], x[j + c], chains[c]);
  for (std::int64_t c = 0; j + c < n; ++c) chains[c] = std::fma(a[j + c], x[j + c], chains[c]);
  double lanes[8];
  for (int c = 0; c < 8; ++c)
    lanes[c] = (chains[c] + chains[c + 16]) + (chains[c + 8] + chains[c + 24]);
  return sum_of_lanes(lanes);
}
__attribute__((always_inline)) inline void add_multiple_of(double r, const double* a, double* to,
                                                           std::int64_t n) {
  for (std::int64_t j = 0; j < n; ++j) to[j] = std::fma(r, a[j], to[j]);
}

double dot_plain(const double* a, const double* x, std::int64_t n) { return dot_of(a, x, n); }
void add_multiple_plain(double r, const double* a, double* to, std::int64_t n) {
  add_multiple_of(r, a, to, n);
}
HADAL_AVX2 double dot_avx2(const double* a, const double* x, std::int64_t n) {
  return dot_of(a, x, n);
}
HADAL_AVX2 void add_multiple_avx2(double r, const double* a, double* to, std::int64_t n) {
  add_multiple_of(r, a, to, n);
}

HADAL_AVX512_INLINE __mmask8 lanes_left(std::int64_t left) {
  return static_cast<__mmask8>(left >= 8 ? 0xff : left <= 0 ? 0 : (1 << left) - 1);
}

HADAL_AVX512 double dot_avx512(const double* a, const double* x, std::int64_t n) {
  __m512d chains[4] = {};
  std::int64_t j = 0;
  for (; j + kChains <= n; j += kChains)
#pragma GCC unroll 4
    for (std::int64_t c = 0; c < 4; ++c)
      chains[c] = _mm512_fmadd_pd(_mm512_loadu_pd(a + j + 8 * c), _mm512_loadu_pd(x + j + 8 * c),
                                  chains[c]);
#pragma GCC unroll 4
  for (std::int64_t c = 0; c < 4; ++c) {
    const __mmask8 lanes = lanes_left(n - j - 8 * c);
    chains[c] =
        _mm512_mask3_fmadd_pd(_mm512_maskz_loadu_pd(lanes, a + j + 8 * c),
                              _mm512_maskz_loadu_pd(lanes, x + j + 8 * c), chains[c], lanes);
  }
  alignas(64) double lanes[8];
  _mm512_store_pd(lanes, _mm512_add_pd(_mm512_add_pd(chains[0], chains[2]),
                                       _mm512_add_pd(chains[1], chains[3])));
  return sum_of_lanes(lanes);
}

HADAL_AVX512 void add_multiple_avx512(double r, const double* a, double* to, std::int64_t n) {
  const __m512d factor = _mm512_set1_pd(r);
  std::int64_t j = 0;
  for (; j + 8 <= n; j += 8)
    _mm512_storeu_pd(to + j,
                     _mm512_fmadd_pd(factor, _mm512_loadu_pd(a + j), _mm512_loadu_pd(to + j)));
  const __mmask8 lanes = lanes_left(n - j);
  _mm512_mask_storeu_pd(to + j, lanes,
                        _mm512_fmadd_pd(factor, _mm512_maskz_loadu_pd(lanes, a + j),
                                        _mm512_maskz_loadu_pd(lanes, to + j)));
}

}  // namespace

void add_residuals(std::int64_t rows, std::int64_t n, const double* a, const double* b,
                   std::int64_t k, std::span<const ResidualSums> sums) {
  static const Isa isa = best_isa();
  const auto dot = isa == Isa::kAvx512 ? dot_avx512 : isa == Isa::kAvx2 ? dot_avx2 : dot_plain;
  const auto add_multiple = isa == Isa::kAvx512 ? add_multiple_avx512
                            : isa == Isa::kAvx2 ? add_multiple_avx2
                                                : add_multiple_plain;
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t c = 0; c < static_cast<std::int64_t>(sums.size()); ++c) {
      const ResidualSums& sum = sums[static_cast<std::size_t>(c)];
      const double r = (c < k ? b[i * k + c] : 0.0) - dot(a + i * n, sum.x, n);
      add_multiple(r, a + i * n, sum.gradient, n);
      *sum.square = std::fma(r, r, *sum.square);
    }
}

}  // namespace hadal::linalg

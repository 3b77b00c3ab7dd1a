// A vector of 64 bytes is a pair of registers.
#include <immintrin.h>

#include "core/linalg/block_product.h"
#include "core/linalg/sum_words.h"

#define HADAL_ISA avx2
#define HADAL_TARGET __attribute__((target("avx2,fma")))
#define HADAL_AVX2_INLINE HADAL_TARGET __attribute__((always_inline)) inline

namespace hadal::linalg::avx2 {

// 16 registers: 12 hold sums.
constexpr int kMostVectors = 1;
constexpr int rows_at_once(bool /*across*/, int /*vectors*/) { return 6; }

template <typename Real>
struct Vector;

template <>
struct Vector<float> {
  using Bits = Peak<float>;
  __m256 low, high;

  HADAL_AVX2_INLINE static Vector zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
  HADAL_AVX2_INLINE static Vector load(const float* p) {
    return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
  }
  HADAL_AVX2_INLINE static Vector broadcast(float x) {
    const __m256 all = _mm256_set1_ps(x);
    return {all, all};
  }
  HADAL_AVX2_INLINE static Vector fma(Vector a, Vector b, Vector c) {
    return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
  }
  HADAL_AVX2_INLINE void store(float* p) const {
    _mm256_store_ps(p, low);
    _mm256_store_ps(p + 8, high);
  }
  HADAL_AVX2_INLINE static Bits bits_of(const Peak<float>& peak) { return peak; }
  HADAL_AVX2_INLINE static void keep(const Bits& bits, Peak<float>& peak) { peak = bits; }
  HADAL_AVX2_INLINE void add_units(const WordRow& words, std::int64_t at, int first, int last,
                                   Bits& largest) const {
    alignas(64) float lanes[16];
    store(lanes);
    for (int i = first; i < last; ++i) {
      largest.meet(i, lanes[i]);
      linalg::add_units(words, at + i, static_cast<double>(lanes[i]));
    }
  }
};

template <>
struct Vector<double> {
  using Bits = Peak<double>;
  __m256d low, high;

  HADAL_AVX2_INLINE static Vector zero() { return {_mm256_setzero_pd(), _mm256_setzero_pd()}; }
  HADAL_AVX2_INLINE static Vector load(const double* p) {
    return {_mm256_loadu_pd(p), _mm256_loadu_pd(p + 4)};
  }
  HADAL_AVX2_INLINE static Vector broadcast(double x) {
    const __m256d all = _mm256_set1_pd(x);
    return {all, all};
  }
  HADAL_AVX2_INLINE static Vector fma(Vector a, Vector b, Vector c) {
    return {_mm256_fmadd_pd(a.low, b.low, c.low), _mm256_fmadd_pd(a.high, b.high, c.high)};
  }
  HADAL_AVX2_INLINE void store(double* p) const {
    _mm256_store_pd(p, low);
    _mm256_store_pd(p + 4, high);
  }
  HADAL_AVX2_INLINE static Bits bits_of(const Peak<double>& peak) { return peak; }
  HADAL_AVX2_INLINE static void keep(const Bits& bits, Peak<double>& peak) { peak = bits; }
  HADAL_AVX2_INLINE void add_units(const WordRow& words, std::int64_t at, int first, int last,
                                   Bits& largest) const {
    alignas(64) double lanes[8];
    store(lanes);
    for (int i = first; i < last; ++i) {
      largest.meet(i, lanes[i]);
      linalg::add_units(words, at + i, lanes[i]);
    }
  }
};

}  // namespace hadal::linalg::avx2

#include "core/linalg/block_loops.h"

namespace hadal::linalg {

template <typename Real>
const BlockKernels<Real>& avx2_block_kernels() {
  return avx2::block_kernels<Real>();
}
template const BlockKernels<float>& avx2_block_kernels();
template const BlockKernels<double>& avx2_block_kernels();

}  // namespace hadal::linalg

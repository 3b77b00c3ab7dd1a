// A vector of 64 bytes is a pair of registers.
#include "core/linalg/avx2_words.h"
#include "core/linalg/block_product.h"
#include "core/linalg/sum_words.h"

#define HADAL_ISA avx2
#define HADAL_TARGET HADAL_AVX2

namespace hadal::linalg::avx2 {

// 16 registers: 12 hold sums.
constexpr int kMostVectors = 1;
constexpr int rows_at_once(bool /*across*/, int /*vectors*/) { return 6; }

template <typename Real>
struct Vector;

struct PairOfBits {
  __m256i low, high;
};
template <typename Real>
HADAL_AVX2_INLINE PairOfBits load_bits(const Peak<Real>& peak) {
  const auto* const lanes = reinterpret_cast<const __m256i*>(peak.lanes);
  return {_mm256_load_si256(lanes), _mm256_load_si256(lanes + 1)};
}
template <typename Real>
HADAL_AVX2_INLINE void store_bits(const PairOfBits& bits, Peak<Real>& peak) {
  auto* const lanes = reinterpret_cast<__m256i*>(peak.lanes);
  _mm256_store_si256(lanes, bits.low);
  _mm256_store_si256(lanes + 1, bits.high);
}

template <>
struct Vector<float> {
  using Bits = PairOfBits;
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
  HADAL_AVX2_INLINE static Bits bits_of(const Peak<float>& peak) { return load_bits(peak); }
  HADAL_AVX2_INLINE static void keep(const Bits& bits, Peak<float>& peak) {
    store_bits(bits, peak);
  }
  HADAL_AVX2_INLINE void add_units(const WordRow& words, std::int64_t at, int first, int last,
                                   Bits& largest) const {
    add_half(words, at, first, last, low, largest.low);
    add_half(words, at + 8, first - 8, last - 8, high, largest.high);
  }

  // add_units for all lanes, all of them below 2^51 units and in the sum.
  HADAL_AVX2_INLINE void add_small_units(const WordRow& words, std::int64_t at) const {
    add_four_small(words, at, _mm256_cvtps_pd(_mm256_castps256_ps128(low)));
    add_four_small(words, at + 4, _mm256_cvtps_pd(_mm256_extractf128_ps(low, 1)));
    add_four_small(words, at + 8, _mm256_cvtps_pd(_mm256_castps256_ps128(high)));
    add_four_small(words, at + 12, _mm256_cvtps_pd(_mm256_extractf128_ps(high, 1)));
  }
  // add_units without the addition.
  HADAL_AVX2_INLINE void meet(Bits& largest) const {
    largest.low = _mm256_max_epu32(largest.low, magnitudes(low));
    largest.high = _mm256_max_epu32(largest.high, magnitudes(high));
  }
  // Whether none of these magnitudes, as bits of floats, is above `bits`.
  HADAL_AVX2_INLINE static bool within(const Bits& largest, std::int32_t bits) {
    const __m256i beyond =
        _mm256_cmpgt_epi32(_mm256_max_epu32(largest.low, largest.high), _mm256_set1_epi32(bits));
    return _mm256_testz_si256(beyond, beyond) != 0;
  }

 private:
  HADAL_AVX2_INLINE static __m256i magnitudes(__m256 values) {
    return _mm256_and_si256(_mm256_castps_si256(values), _mm256_set1_epi32(0x7fffffff));
  }
  HADAL_AVX2_INLINE static void add_half(const WordRow& words, std::int64_t at, int first, int last,
                                         __m256 values, __m256i& largest) {
    largest = _mm256_max_epu32(largest,
                               _mm256_and_si256(magnitudes(values), lanes_of_eight(first, last)));
    add_some_of_four(words, at, first, last, _mm256_cvtps_pd(_mm256_castps256_ps128(values)));
    add_some_of_four(words, at + 4, first - 4, last - 4,
                     _mm256_cvtps_pd(_mm256_extractf128_ps(values, 1)));
  }
};

template <>
struct Vector<double> {
  using Bits = PairOfBits;
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
  HADAL_AVX2_INLINE static Bits bits_of(const Peak<double>& peak) { return load_bits(peak); }
  HADAL_AVX2_INLINE static void keep(const Bits& bits, Peak<double>& peak) {
    store_bits(bits, peak);
  }
  HADAL_AVX2_INLINE void add_units(const WordRow& words, std::int64_t at, int first, int last,
                                   Bits& largest) const {
    add_half(words, at, first, last, low, largest.low);
    add_half(words, at + 4, first - 4, last - 4, high, largest.high);
  }

 private:
  HADAL_AVX2_INLINE static void add_half(const WordRow& words, std::int64_t at, int first, int last,
                                         __m256d values, __m256i& largest) {
    const __m256i magnitudes = _mm256_and_si256(
        _mm256_and_si256(_mm256_castpd_si256(values), _mm256_set1_epi64x(0x7fffffffffffffff)),
        lanes_of_four(first, last));
    // Without their signs they are in order as signed numbers too.
    largest = _mm256_blendv_epi8(largest, magnitudes, _mm256_cmpgt_epi64(magnitudes, largest));
    add_some_of_four(words, at, first, last, values);
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

// 32 registers of 64 bytes: 24 hold sums, 3 or 4 a row of the panel.
#include "core/cpu/avx512.h"
#include "core/linalg/avx512_words.h"
#include "core/linalg/block_product.h"
#include "core/linalg/sum_words.h"

#define HADAL_ISA avx512
#define HADAL_TARGET HADAL_AVX512

namespace hadal::linalg::avx512 {

constexpr int kMostVectors = kMaxVectors;
// Rows that lie apart want a register each for where they are.
constexpr int rows_at_once(bool across, int vectors) {
  return vectors == 4 ? 6 : vectors == 2 && across ? 12 : 8;
}
template <typename Real>
struct Vector;

template <>
struct Vector<float> {
  using Bits = __m512i;
  __m512 lanes;

  HADAL_AVX512_INLINE static Vector zero() { return {_mm512_setzero_ps()}; }
  HADAL_AVX512_INLINE static Vector load(const float* p) { return {_mm512_loadu_ps(p)}; }
  HADAL_AVX512_INLINE static Vector broadcast(float x) { return {_mm512_set1_ps(x)}; }
  HADAL_AVX512_INLINE static Vector fma(Vector a, Vector b, Vector c) {
    return {_mm512_fmadd_ps(a.lanes, b.lanes, c.lanes)};
  }
  HADAL_AVX512_INLINE void store(float* p) const { _mm512_store_ps(p, lanes); }
  HADAL_AVX512_INLINE static Bits bits_of(const Peak<float>& peak) {
    return _mm512_load_si512(peak.lanes);
  }
  HADAL_AVX512_INLINE static void keep(Bits bits, Peak<float>& peak) {
    _mm512_store_si512(peak.lanes, bits);
  }
  HADAL_AVX512_INLINE void add_units(const WordRow& words, std::int64_t at, int first, int last,
                                     Bits& largest) const {
    add_sixteen(words, at, lanes_between(first, last), lanes, largest);
  }
};

template <>
struct Vector<double> {
  using Bits = __m512i;
  __m512d lanes;

  HADAL_AVX512_INLINE static Vector zero() { return {_mm512_setzero_pd()}; }
  HADAL_AVX512_INLINE static Vector load(const double* p) { return {_mm512_loadu_pd(p)}; }
  HADAL_AVX512_INLINE static Vector broadcast(double x) { return {_mm512_set1_pd(x)}; }
  HADAL_AVX512_INLINE static Vector fma(Vector a, Vector b, Vector c) {
    return {_mm512_fmadd_pd(a.lanes, b.lanes, c.lanes)};
  }
  HADAL_AVX512_INLINE void store(double* p) const { _mm512_store_pd(p, lanes); }
  HADAL_AVX512_INLINE static Bits bits_of(const Peak<double>& peak) {
    return _mm512_load_si512(peak.lanes);
  }
  HADAL_AVX512_INLINE static void keep(Bits bits, Peak<double>& peak) {
    _mm512_store_si512(peak.lanes, bits);
  }
  HADAL_AVX512_INLINE void add_units(const WordRow& words, std::int64_t at, int first, int last,
                                     Bits& largest) const {
    const auto mask = static_cast<__mmask8>(lanes_between(first, last));
    largest =
        _mm512_max_epu64(largest, _mm512_maskz_and_epi64(mask, _mm512_castpd_si512(lanes),
                                                         _mm512_set1_epi64(0x7fffffffffffffff)));
    add_eight(words, at, mask, lanes);
  }
};

}  // namespace hadal::linalg::avx512

#include "core/linalg/block_loops.h"

namespace hadal::linalg {

template <typename Real>
const BlockKernels<Real>& avx512_block_kernels() {
  return avx512::block_kernels<Real>();
}
template const BlockKernels<float>& avx512_block_kernels();
template const BlockKernels<double>& avx512_block_kernels();

}  // namespace hadal::linalg

// Pairs of bfloat16: twice the products of float32 in the same registers.
#include "core/cpu/avx512.h"
#include "core/linalg/avx512_words.h"
#include "core/linalg/block_product.h"
#include "core/linalg/sum_words.h"

#define HADAL_ISA bf16
#define HADAL_TARGET \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,fma,bmi2")))
#define HADAL_BF16_INLINE HADAL_TARGET __attribute__((always_inline)) inline

namespace hadal::linalg::bf16 {

constexpr int kMostVectors = kMaxVectors;
constexpr int rows_at_once(bool across, int vectors) {
  return vectors == 4 ? 6 : vectors == 2 && across ? 12 : 8;
}

template <typename Real>
struct Vector;

// 16 pairs, or 16 sums of their products.
template <>
struct Vector<Bf16Pair> {
  using Bits = __m512i;
  __m512 lanes;

  HADAL_BF16_INLINE static Vector zero() { return {_mm512_setzero_ps()}; }
  HADAL_BF16_INLINE static Vector load(const Bf16Pair* p) { return {_mm512_loadu_ps(p)}; }
  HADAL_BF16_INLINE static Vector load(const float* p) { return {_mm512_loadu_ps(p)}; }
  HADAL_BF16_INLINE static Vector broadcast(Bf16Pair x) {
    return {_mm512_castsi512_ps(_mm512_set1_epi32(static_cast<int>(x)))};
  }
  HADAL_BF16_INLINE static Vector fma(Vector a, Vector b, Vector c) {
    return {_mm512_dpbf16_ps(c.lanes, reinterpret_cast<__m512bh>(a.lanes),
                             reinterpret_cast<__m512bh>(b.lanes))};
  }
  HADAL_BF16_INLINE void store(float* p) const { _mm512_store_ps(p, lanes); }
  HADAL_BF16_INLINE static Bits bits_of(const Peak<float>& peak) {
    return _mm512_load_si512(peak.lanes);
  }
  HADAL_BF16_INLINE static void keep(Bits bits, Peak<float>& peak) {
    _mm512_store_si512(peak.lanes, bits);
  }
  HADAL_BF16_INLINE void add_units(const WordRow& words, std::int64_t at, int first, int last,
                                   Bits& largest) const {
    add_sixteen(words, at, lanes_between(first, last), lanes, largest);
  }
};

}  // namespace hadal::linalg::bf16

#include "core/linalg/block_loops.h"

namespace hadal::linalg {

bool has_bf16() { return best_isa() == Isa::kAvx512 && __builtin_cpu_supports("avx512bf16"); }

const BlockProducts<Bf16Pair>& bf16_block_products() {
  static constexpr BlockProducts<Bf16Pair> products = {bf16::multiply<Bf16Pair>,
                                                       bf16::add<Bf16Pair>};
  return products;
}

}  // namespace hadal::linalg

#include "core/cpu/philox.h"

#include <cmath>

#include "core/cpu/avx512.h"

namespace hadal::cpu {
namespace {

struct Products {
  __m512i high, low;
};

// 32 x 32 -> 64 bits in sixteen lanes.
HADAL_AVX512_INLINE Products multiply(__m512i x, std::uint32_t factor) {
  const __m512i f = _mm512_set1_epi64(factor);
  const __m512i even = _mm512_mul_epu32(x, f);
  const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(x, 32), f);
  return {_mm512_mask_mov_epi32(_mm512_srli_epi64(even, 32), 0xaaaa, odd),
          _mm512_mask_mov_epi32(even, 0xaaaa, _mm512_slli_epi64(odd, 32))};
}

// Bit l of mask to bit 4 l.
HADAL_AVX512_INLINE std::uint64_t spread(__mmask16 mask) {
  return _pdep_u64(mask, 0x1111111111111111u);
}

// Draws 4 i .. 4 i + 63, one bit each.
HADAL_AVX512_INLINE std::uint64_t draw_64(const random::Stream& s, std::uint64_t i,
                                          std::uint32_t threshold) {
  // The low words of sixteen counters; a carry into the high word falls between calls or not at
  // all, as lanes are told apart by it below.
  const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m512i low = _mm512_add_epi32(_mm512_set1_epi32(static_cast<int>(i)), lane);
  const __mmask16 carried = _mm512_cmplt_epu32_mask(low, lane);
  const auto top =
      static_cast<std::uint32_t>(s.purpose) << 24 | static_cast<std::uint32_t>(i >> 32);
  __m512i c0 = low, c1 = _mm512_set1_epi32(static_cast<int>(s.b)),
          c2 = _mm512_set1_epi32(static_cast<int>(s.a)),
          c3 = _mm512_set1_epi32(static_cast<int>(top));
  c3 = _mm512_mask_add_epi32(c3, carried, c3, _mm512_set1_epi32(1));
  auto key0 = static_cast<std::uint32_t>(s.seed), key1 = static_cast<std::uint32_t>(s.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const Products p0 = multiply(c0, 0xD2511F53u), p1 = multiply(c2, 0xCD9E8D57u);
    c0 = _mm512_xor_si512(_mm512_xor_si512(p1.high, c1), _mm512_set1_epi32(static_cast<int>(key0)));
    c1 = p1.low;
    c2 = _mm512_xor_si512(_mm512_xor_si512(p0.high, c3), _mm512_set1_epi32(static_cast<int>(key1)));
    c3 = p0.low;
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  const __m512i t = _mm512_set1_epi32(static_cast<int>(threshold));
  const auto kept = [&](__m512i word) HADAL_AVX512 {
    return spread(_mm512_cmpge_epu32_mask(_mm512_srli_epi32(word, 8), t));
  };
  return kept(c0) | kept(c1) << 1 | kept(c2) << 2 | kept(c3) << 3;
}

}  // namespace

HADAL_AVX512 void draw_at_least(const random::Stream& stream, std::uint64_t first,
                                std::int64_t count, float threshold, std::uint64_t* bits) {
  // uniform is m 2^-24 for a whole m.
  const auto least = static_cast<std::uint32_t>(std::ceil(std::ldexp(double{threshold}, 24)));
  const std::uint64_t block = first / 4;
  const int shift = static_cast<int>(first % 4);
  const std::int64_t words = (count + 63) / 64;
  std::uint64_t current = draw_64(stream, block, least);
  for (std::int64_t k = 0; k < words; ++k) {
    const std::uint64_t next =
        shift == 0 && k + 1 == words ? 0 : draw_64(stream, block + 16 * (k + 1), least);
    bits[k] = shift == 0 ? current : current >> shift | next << (64 - shift);
    current = next;
  }
}

}  // namespace hadal::cpu

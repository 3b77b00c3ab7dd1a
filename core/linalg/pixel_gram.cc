// vpdpbusd adds to each 32-bit lane four products of an unsigned and a signed byte. So pixels are
// packed in fours along the sum, and one side is made signed by taking 128 away:
//
//   sum_i p(i,k) p(i,j) = sum_i p(i,k) (p(i,j) - 128) + 128 sum_i p(i,k)
//
// Columns k lie in panels of 48: for each four of i, 48 lanes. A block of G is 8 columns k against
// the 48 of a panel: 24 registers of sums, each holding at most 2 kDepth 255 128 < 2^31.
#include "core/linalg/pixel_gram.h"

#include <algorithm>
#include <cstring>

#include "core/base/error.h"
#include "core/cpu/avx512.h"

#define HADAL_VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,fma,bmi2")))

namespace hadal::linalg {
namespace {

constexpr std::int64_t kPanel = 48;   // columns, lanes
constexpr std::int64_t kDepth = 512;  // pixels along the sum that are packed at once
constexpr std::int64_t kRowsAtOnce = 8;

std::int64_t fours(std::int64_t depth) { return (depth + 3) / 4; }

// Four rows of 16 pixels, column by column: 16 lanes.
void interleave(const std::uint8_t* const rows[4], std::uint8_t* to) {
  const auto load = [](const std::uint8_t* p) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  };
  const __m128i a = load(rows[0]), b = load(rows[1]), c = load(rows[2]), d = load(rows[3]);
  const __m128i ab_low = _mm_unpacklo_epi8(a, b), ab_high = _mm_unpackhi_epi8(a, b);
  const __m128i cd_low = _mm_unpacklo_epi8(c, d), cd_high = _mm_unpackhi_epi8(c, d);
  auto* const out = reinterpret_cast<__m128i*>(to);
  _mm_store_si128(out, _mm_unpacklo_epi16(ab_low, cd_low));
  _mm_store_si128(out + 1, _mm_unpackhi_epi16(ab_low, cd_low));
  _mm_store_si128(out + 2, _mm_unpacklo_epi16(ab_high, cd_high));
  _mm_store_si128(out + 3, _mm_unpackhi_epi16(ab_high, cd_high));
}

// Pixels [begin, begin + depth) of all columns to panels[panel][four][column][4], zeros beyond.
void pack(const Pixels& p, std::int64_t begin, std::int64_t depth, std::uint8_t* panels) {
  static constexpr std::uint8_t kZeros[16] = {};
  const std::int64_t quads = fours(depth);
  for (std::int64_t k = 0; k < p.n; k += kPanel) {
    std::uint8_t* const panel = panels + k * quads * 4;
    const std::int64_t count = std::min(kPanel, p.n - k);
    if (count < kPanel) std::memset(panel, 0, static_cast<std::size_t>(quads * kPanel * 4));
    if (p.across == 1) {
      for (std::int64_t q = 0; q < quads; ++q)
        for (std::int64_t c = 0; c < count; c += 16) {
          const std::int64_t width = std::min<std::int64_t>(16, count - c);
          alignas(16) std::uint8_t edge[4][16] = {};
          const std::uint8_t* rows[4];
          for (std::int64_t r = 0; r < 4; ++r) {
            const std::int64_t i = q * 4 + r;
            const std::uint8_t* const row = p.data + (begin + i) * p.along + k + c;
            rows[r] = i >= depth ? kZeros : row;
            if (i < depth && width < 16) {
              std::memcpy(edge[r], row, static_cast<std::size_t>(width));
              rows[r] = edge[r];
            }
          }
          interleave(rows, panel + (q * kPanel + c) * 4);
        }
    } else {
      for (std::int64_t c = 0; c < count; ++c) {
        const std::uint8_t* const from = p.data + (k + c) * p.across + begin;
        for (std::int64_t q = 0; q < quads; ++q) {
          std::uint8_t* const to = panel + (q * kPanel + c) * 4;
          if (q * 4 + 4 <= depth) {
            std::memcpy(to, from + q * 4, 4);
          } else {
            std::memset(to, 0, 4);
            std::memcpy(to, from + q * 4, static_cast<std::size_t>(depth - q * 4));
          }
        }
      }
    }
  }
}

// 128 times the sum of each column of a panel.
HADAL_VNNI void sum_columns(const std::uint8_t* panel, std::int64_t quads, std::int32_t* sums) {
  const __m512i factor = _mm512_set1_epi8(1);
  for (int v = 0; v < 3; ++v) {
    __m512i sum = _mm512_setzero_si512();
    for (std::int64_t q = 0; q < quads; ++q)
      sum = _mm512_dpbusd_epi32(sum, _mm512_load_si512(panel + q * kPanel * 4 + v * 64), factor);
    _mm512_store_si512(sums + v * 16, _mm512_slli_epi32(sum, 7));
  }
}

HADAL_VNNI void make_signed(const std::uint8_t* panel, std::int64_t bytes, std::uint8_t* to) {
  const __m512i top = _mm512_set1_epi8(static_cast<char>(0x80));
  for (std::int64_t i = 0; i < bytes; i += 64)
    _mm512_store_si512(to + i, _mm512_xor_si512(_mm512_load_si512(panel + i), top));
}

// Eight columns of one panel against all of another, into rows `words` of G, which hold lanes
// [first, last) of it.
HADAL_VNNI void add_block(const std::uint8_t* eight, const std::uint8_t* panel, std::int64_t quads,
                          const std::int32_t* start, std::int64_t* const words[],
                          const std::int64_t first[], std::int64_t rows, std::int64_t last) {
  __m512i sums[kRowsAtOnce][3];
#pragma GCC unroll 8
  for (int r = 0; r < kRowsAtOnce; ++r)
#pragma GCC unroll 3
    for (int v = 0; v < 3; ++v) sums[r][v] = _mm512_set1_epi32(start[r]);
  // The words come from afar while the sums run.
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t i = 0; i <= kPanel; i += 8) __builtin_prefetch(words[r] + i, 1, 2);
  for (std::int64_t q = quads; q > 0; --q) {
    const __m512i x0 = _mm512_load_si512(panel), x1 = _mm512_load_si512(panel + 64),
                  x2 = _mm512_load_si512(panel + 128);
#pragma GCC unroll 8
    for (int r = 0; r < kRowsAtOnce; ++r) {
      std::int32_t four;
      std::memcpy(&four, eight + r * 4, 4);
      const __m512i t = _mm512_set1_epi32(four);
      sums[r][0] = _mm512_dpbusd_epi32(sums[r][0], t, x0);
      sums[r][1] = _mm512_dpbusd_epi32(sums[r][1], t, x1);
      sums[r][2] = _mm512_dpbusd_epi32(sums[r][2], t, x2);
    }
    eight += kPanel * 4;
    panel += kPanel * 4;
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRowsAtOnce; ++r) {
    if (r >= rows) break;
    const auto lanes = ((std::uint64_t{1} << last) - 1) & ~((std::uint64_t{1} << first[r]) - 1);
#pragma GCC unroll 3
    for (int v = 0; v < 3; ++v)
#pragma GCC unroll 2
      for (int half = 0; half < 2; ++half) {
        const auto mask = static_cast<__mmask8>(lanes >> (v * 16 + half * 8));
        std::int64_t* const to = words[r] + v * 16 + half * 8;
        const __m256i part = half == 0 ? _mm512_castsi512_si256(sums[r][v])
                                       : _mm512_extracti64x4_epi64(sums[r][v], 1);
        _mm512_mask_storeu_epi64(
            to, mask,
            _mm512_add_epi64(_mm512_maskz_loadu_epi64(mask, to), _mm512_cvtepi32_epi64(part)));
      }
  }
}

}  // namespace

bool has_pixel_gram() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("bmi2");
}

void add_pixel_gram(const Pixels& p, FixedPointSum& g, AlignedBuffer<std::uint8_t>& scratch) {
  HADAL_CHECK(g.size() == packed_size(p.n) && g.exponent() == 0);
  const std::int64_t padded = (p.n + kPanel - 1) / kPanel * kPanel;
  const std::int64_t quads_most = fours(std::min(p.depth, kDepth));
  std::uint8_t* const panels = scratch.reserve((padded + kPanel) * quads_most * 4 + padded * 4);
  std::uint8_t* const signed_panel = panels + padded * quads_most * 4;
  auto* const starts = reinterpret_cast<std::int32_t*>(signed_panel + kPanel * quads_most * 4);
  for (std::int64_t begin = 0; begin < p.depth; begin += kDepth) {
    const std::int64_t depth = std::min(kDepth, p.depth - begin), quads = fours(depth);
    const std::int64_t panel_bytes = quads * kPanel * 4;
    pack(p, begin, depth, panels);
    for (std::int64_t j = 0; j < padded; j += kPanel)
      sum_columns(panels + j / kPanel * panel_bytes, quads, starts + j);
    for (std::int64_t j = 0; j < p.n; j += kPanel) {
      make_signed(panels + j / kPanel * panel_bytes, panel_bytes, signed_panel);
      for (std::int64_t k = 0; k < std::min(j + kPanel, p.n); k += kRowsAtOnce) {
        const std::int64_t rows = std::min(kRowsAtOnce, p.n - k);
        std::int64_t* words[kRowsAtOnce] = {};
        std::int64_t first[kRowsAtOnce] = {};
        for (std::int64_t r = 0; r < rows; ++r) {
          words[r] = g.words().data() + packed_index(p.n, k + r, 0) + j;
          first[r] = std::max<std::int64_t>(0, k + r - j);
        }
        add_block(panels + k / kPanel * panel_bytes + k % kPanel * 4, signed_panel, quads,
                  starts + k, words, first, rows, std::min(kPanel, p.n - j));
      }
    }
  }
}

}  // namespace hadal::linalg

#include "core/linalg/mixed_kernels.h"

#include <algorithm>
#include <bit>
#include <type_traits>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/cpu/avx512.h"
#include "core/linalg/sum_words.h"

namespace hadal::linalg {
namespace {

constexpr std::int64_t kDepth = 128;           // steps of X that stay in the nearest cache
constexpr std::int64_t kTileWords = 64 << 10;  // of one packing of a tile: 256 KiB

std::int64_t round_up(std::int64_t n, std::int64_t step) { return (n + step - 1) / step * step; }

// The bits of x rounded to bfloat16, to nearest even, as the upper half of a float.
__attribute__((always_inline)) inline std::uint32_t rounded(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  return (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000;
}

// Two neighbours along the sum are one step of pairs, or two of floats.
template <typename Factor>
constexpr std::int64_t kSteps = std::is_same_v<Factor, Bf16Pair> ? 1 : 2;

// Packs `even` and `odd`, neighbours along the sum, for `count` places across it: to[0 .. count),
// and for floats the even ones at to[step ..).
template <typename Factor>
__attribute__((always_inline)) inline void pack_across_loop(const float* even, const float* odd,
                                                            std::int64_t count, std::uint32_t* to,
                                                            std::int64_t step) {
  for (std::int64_t j = 0; j < count; ++j) {
    if constexpr (kSteps<Factor> == 1) {
      to[j] = rounded(even[j]) >> 16 | rounded(odd[j]);
    } else {
      to[j] = rounded(odd[j]);
      to[j + step] = rounded(even[j]);
    }
  }
}

// Packs `pairs` pairs along the sum.
template <typename Factor>
__attribute__((always_inline)) inline void pack_along_loop(const float* from, std::int64_t pairs,
                                                           std::uint32_t* to) {
  for (std::int64_t q = 0; q < pairs; ++q) {
    if constexpr (kSteps<Factor> == 1) {
      to[q] = rounded(from[2 * q]) >> 16 | rounded(from[2 * q + 1]);
    } else {
      to[2 * q] = rounded(from[2 * q + 1]);
      to[2 * q + 1] = rounded(from[2 * q]);
    }
  }
}

// Only machines with AVX-512 have the instructions for pairs, so these loops may be compiled for
// it.
HADAL_AVX512 void pack_across(Bf16Pair, const float* even, const float* odd, std::int64_t count,
                              std::uint32_t* to, std::int64_t step) {
  pack_across_loop<Bf16Pair>(even, odd, count, to, step);
}
void pack_across(float, const float* even, const float* odd, std::int64_t count, std::uint32_t* to,
                 std::int64_t step) {
  pack_across_loop<float>(even, odd, count, to, step);
}
HADAL_AVX512 void pack_along(Bf16Pair, const float* from, std::int64_t pairs, std::uint32_t* to) {
  pack_along_loop<Bf16Pair>(from, pairs, to);
}
void pack_along(float, const float* from, std::int64_t pairs, std::uint32_t* to) {
  pack_along_loop<float>(from, pairs, to);
}

// Packed words as what the block products read.
template <typename Factor>
const Factor* factors(const std::uint32_t* words) {
  return reinterpret_cast<const Factor*>(words);
}

}  // namespace

MixedMatrix::MixedMatrix(const DenseMatrix& x, std::span<const double> c, bool pairs)
    : rows_(x.rows),
      cols_(x.cols),
      padded_cols_(round_up(x.cols, kLanes<float>)),
      panels_(column_panels(x.cols, kLanes<float>)) {
  if (!c.empty() && static_cast<std::int64_t>(c.size()) != cols_)
    throw ShapeError(
        fmt::format("mixed kernels: c has {} values, X is {}x{}", c.size(), rows_, cols_));
  float* const start = start_.reserve(padded_cols_);
  std::fill_n(start, padded_cols_, 0.f);
  for (std::size_t j = 0; j < c.size(); ++j) start[j] = static_cast<float>(-c[j]);
  const std::int64_t steps = (rows_ + 1) / 2 * (pairs ? 1 : 2);
  std::uint32_t* to = values_.reserve(padded_cols_ * steps);
  for (const ColumnPanel& panel : panels_) {
    const std::int64_t width = panel.vectors * kLanes<float>;
    const std::int64_t count = std::min(width, cols_ - panel.first);
    for (std::int64_t k = 0; k < rows_; k += 2, to += width * (pairs ? 1 : 2)) {
      float even[kMaxVectors * kLanes<float>] = {}, odd[kMaxVectors * kLanes<float>] = {};
      for (std::int64_t j = 0; j < count; ++j) {
        even[j] = static_cast<float>(x(k, panel.first + j));
        if (k + 1 < rows_) odd[j] = static_cast<float>(x(k + 1, panel.first + j));
      }
      if (pairs)
        pack_across(Bf16Pair{}, even, odd, width, to, width);
      else
        pack_across(float{}, even, odd, width, to, width);
    }
  }
}

MixedKernels::MixedKernels(std::int64_t n, const ColumnMap& map, bool pairs)
    : n_(n),
      shift_(map.shift.begin(), map.shift.end()),
      factor_(map.factor.begin(), map.factor.end()),
      pairs_(pairs),
      kernels_(kernels_of<float>(best_isa())) {
  HADAL_CHECK(!pairs || has_bf16());
  for (const std::size_t size : {shift_.size(), factor_.size()})
    if (size != 0 && static_cast<std::int64_t>(size) != n)
      throw ShapeError(
          fmt::format("mixed kernels: a column map of {} values for {} columns", size, n));
}

// Both packings of rows [first, first + rows): along_ for T X, across_ for T^T Y.
template <typename Factor>
void MixedKernels::pack_tile(const RowBlock& t, std::int64_t first, std::int64_t rows) {
  const Mapping<float> mapping{shift_.empty() ? nullptr : shift_.data(),
                               factor_.empty() ? nullptr : factor_.data()};
  const std::int64_t pairs = (n_ + 1) / 2, even_n = 2 * pairs;
  float* const two = row_.reserve(2 * even_n);
  for (std::int64_t i = 0; i < rows; i += 2) {
    for (std::int64_t r = 0; r < 2; ++r) {
      float* const row = two + r * even_n;
      if (i + r < rows)
        kernels_.convert(t, first + i + r, 0, n_, mapping, row);
      else
        std::fill_n(row, n_, 0.f);
      if (even_n > n_) row[n_] = 0;
      if (i + r < rows)
        pack_along(Factor{}, row, pairs, along_.data() + (i + r) * pairs * kSteps<Factor>);
    }
    pack_across(Factor{}, two, two + even_n, n_, across_.data() + i / 2 * kSteps<Factor> * n_, n_);
  }
}

template <typename Factor>
void MixedKernels::fused_by(const BlockProducts<Factor>& products, const RowBlock& t,
                            const MixedMatrix& x, FixedPointSum& s) {
  const std::int64_t steps = (n_ + 1) / 2 * kSteps<Factor>;
  const std::int64_t most = std::clamp<std::int64_t>(
      kTileWords / std::max<std::int64_t>(steps, 1) / 12 * 12, 48, kGroupRows);
  along_.reserve(most * steps);
  across_.reserve(most / 2 * kSteps<Factor> * n_);
  float* const y = y_.reserve(most * kMaxVectors * kLanes<float>);
  float* const sums = sums_.reserve(n_ * x.padded_cols_);
  std::uint32_t* const packed_y =
      packed_y_.reserve(most / 2 * kSteps<Factor> * kMaxVectors * kLanes<float>);
  alignas(64) static constexpr float kZeros[kMaxVectors * kLanes<float>] = {};
  Magnitude largest;
  for (std::int64_t first = 0; first < t.rows; first += most) {
    const std::int64_t rows = std::min(most, t.rows - first), depth = (rows + 1) / 2;
    pack_tile<Factor>(t, first, rows);
    for (const ColumnPanel& panel : x.panels_) {
      const std::int64_t width = panel.vectors * kLanes<float>;
      for (std::int64_t k = 0; k < steps; k += kDepth)
        products.multiply({.rows = rows,
                           .depth = std::min(kDepth, steps - k),
                           .a = factors<Factor>(along_.data()) + k,
                           .a_row = steps,
                           .a_step = 1,
                           .b = factors<Factor>(x.values_.data()) + panel.first * steps + k * width,
                           .b_step = width,
                           .vectors = panel.vectors},
                          k == 0 ? x.start_.data() + panel.first : nullptr, y);
      std::fill_n(y + rows * width, rows % 2 * width, 0.f);
      for (std::int64_t i = 0; i < depth; ++i)
        pack_across(Factor{}, y + 2 * i * width, y + (2 * i + 1) * width, width,
                    packed_y + i * kSteps<Factor> * width, width);
      const BlockProduct<Factor> product{
          .rows = n_,
          .depth = depth * kSteps<Factor>,
          .a = factors<Factor>(across_.data()),
          .a_row = 1,
          .a_step = n_,
          .b = factors<Factor>(packed_y),
          .b_step = width,
          .vectors = panel.vectors,
          .next = panel.first == 0 ? bytes_ahead_of(t, first + rows) : nullptr,
          .next_bytes = byte_count(t, most)};
      float* const partial = sums + panel.first * n_;
      if (first + rows < t.rows)
        products.multiply(product, first == 0 ? kZeros : nullptr, partial);
      else
        largest.meet(products.add(product, first == 0 ? nullptr : partial,
                                  {.sum = &s, .cols = x.cols_, .first_col = panel.first}));
    }
  }
  s.note(largest.value);
}

void MixedKernels::fused(const RowBlock& t, const MixedMatrix& x, FixedPointSum& s) {
  if (t.cols != n_ || x.rows_ != n_)
    throw ShapeError(fmt::format("mixed kernels: rows of {} columns and X of {}x{}, wanted {}",
                                 t.cols, x.rows_, x.cols_, n_));
  HADAL_CHECK(t.rows <= kGroupRows && s.size() == n_ * x.cols_ && s.limbs() == 1);
  if (pairs_)
    fused_by(bf16_block_products(), t, x, s);
  else
    fused_by<float>(kernels_, t, x, s);
}

}  // namespace hadal::linalg

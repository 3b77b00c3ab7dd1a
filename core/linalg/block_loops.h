// The loops of block_product.h over a type of vectors; each instruction set includes this once,
// having defined
//
//   HADAL_ISA      a namespace of its own
//   HADAL_TARGET   the attribute its functions want, or nothing
//   kMostVectors   vectors of a panel that are worked on together: 1 or kMaxVectors
//   rows_at_once   rows of C, side by side in A or not, whose w vectors fit its registers
//   Vector<Real>   64 bytes of Real: zero, load, store, broadcast, fma; add_units, which rounds
//   lanes
//                  into words and keeps the largest magnitudes as Bits
//
// and instantiates block_kernels<Real>().
#pragma once

#include <cstdint>

#include "core/linalg/block_product.h"
#include "core/linalg/sum_words.h"

#define HADAL_TARGET_INLINE HADAL_TARGET __attribute__((always_inline)) inline

namespace hadal::linalg::HADAL_ISA {

// How rows of A lie: each along memory (a_step = 1) or side by side (a_row = 1).
enum class Side { kAlong, kAcross };

// Rows row .. row + kR - 1 and vectors vector .. vector + kW - 1 of one block product.
template <typename Real, Side kSide, int kR, int kW>
struct Chains {
  using V = Vector<Real>;
  static constexpr std::int64_t kLine = kLanes<Real>;
  V sums[kR][kW];

  HADAL_TARGET_INLINE void run(const BlockProduct<Real>& p, std::int64_t row, int vector) {
    const std::int64_t a_row = kSide == Side::kAcross ? 1 : p.a_row;
    const std::int64_t a_step = kSide == Side::kAlong ? 1 : p.a_step;
    const std::int64_t b_step = p.b_step, ahead = p.ahead;
    const Real* a = p.a + row * a_row;
    const Real* b = p.b + vector * kLine;
    const char* next = reinterpret_cast<const char*>(a + ahead);
    std::int64_t next_step = a_step * static_cast<std::int64_t>(sizeof(Real));
    if (kSide == Side::kAcross && p.next != nullptr) {
      const std::int64_t done = (row / kR * p.depth) * 64;
      next_step = done < p.next_bytes ? 64 : 0;
      if (next_step > 0) next = static_cast<const char*>(p.next) + done;
    }
    for (std::int64_t k = 0; k < p.depth; ++k) {
      if constexpr (kSide == Side::kAcross) {
        __builtin_prefetch(next, 0, 2);
        next += next_step;
      } else if (k % kLine == 0) {
#pragma GCC unroll 16
        for (int r = 0; r < kR; ++r) __builtin_prefetch(a + r * a_row + ahead, 0, 2);
      }
      V x[kW];
#pragma GCC unroll 8
      for (int w = 0; w < kW; ++w) x[w] = V::load(b + w * kLine);
#pragma GCC unroll 16
      for (int r = 0; r < kR; ++r) {
        const V t = V::broadcast(a[r * a_row]);
#pragma GCC unroll 8
        for (int w = 0; w < kW; ++w) sums[r][w] = V::fma(t, x[w], sums[r][w]);
      }
      a += a_step;
      b += b_step;
    }
  }
};

template <typename Real, Side kSide, int kR, int kW>
HADAL_TARGET void multiply_block(const BlockProduct<Real>& p, std::int64_t row, int vector,
                                 const SumOf<Real>* start, SumOf<Real>* c) {
  using V = Vector<Real>;
  Chains<Real, kSide, kR, kW> chains;
  const std::int64_t c_row = p.vectors * kLanes<Real>;
  SumOf<Real>* const to = c + row * c_row + vector * kLanes<Real>;
  const SumOf<Real>* const from = start != nullptr ? start + vector * kLanes<Real> : to;
  const std::int64_t from_row = start != nullptr ? 0 : c_row;
#pragma GCC unroll 16
  for (int r = 0; r < kR; ++r)
#pragma GCC unroll 8
    for (int w = 0; w < kW; ++w)
      chains.sums[r][w] = V::load(from + r * from_row + w * kLanes<Real>);
  chains.run(p, row, vector);
#pragma GCC unroll 16
  for (int r = 0; r < kR; ++r)
#pragma GCC unroll 8
    for (int w = 0; w < kW; ++w) chains.sums[r][w].store(to + r * c_row + w * kLanes<Real>);
}

template <typename Real, int kR, int kW>
HADAL_TARGET void add_block(const BlockProduct<Real>& p, std::int64_t row, int vector,
                            const SumOf<Real>* c, const Destination& to, Peak<SumOf<Real>>& peak) {
  using V = Vector<Real>;
  Chains<Real, Side::kAcross, kR, kW> chains;
  const std::int64_t c_row = p.vectors * kLanes<Real>;
#pragma GCC unroll 16
  for (int r = 0; r < kR; ++r) {
    // The words come from afar while the chains run.
    const std::int64_t* const words = to.row(row + r).high + vector * kLanes<Real>;
    for (int i = 0; i <= kW * kLanes<Real>; i += 8) __builtin_prefetch(words + i, 1, 2);
#pragma GCC unroll 8
    for (int w = 0; w < kW; ++w)
      chains.sums[r][w] =
          c == nullptr ? V::zero() : V::load(c + (row + r) * c_row + (vector + w) * kLanes<Real>);
  }
  chains.run(p, row, vector);
  typename V::Bits largest = V::bits_of(peak);
  if constexpr (requires { &V::add_small_units; }) {
    // Rows of a triangle begin later and later.
    const WordRow last = to.row(row + kR - 1);
    const std::int64_t first_lane = vector * kLanes<Real>;
    if (last.first <= first_lane && last.last >= first_lane + kW * kLanes<Real>) {
      typename V::Bits of_block = largest;
#pragma GCC unroll 16
      for (int r = 0; r < kR; ++r)
#pragma GCC unroll 8
        for (int w = 0; w < kW; ++w) chains.sums[r][w].meet(of_block);
      if (V::within(of_block, to.small())) {
#pragma GCC unroll 16
        for (int r = 0; r < kR; ++r) {
          const WordRow words = to.row(row + r);
#pragma GCC unroll 8
          for (int w = 0; w < kW; ++w)
            chains.sums[r][w].add_small_units(words, first_lane + w * kLanes<Real>);
        }
        return V::keep(of_block, peak);
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kR; ++r) {
    const WordRow words = to.row(row + r);
#pragma GCC unroll 8
    for (int w = 0; w < kW; ++w) {
      const std::int64_t at = (vector + w) * kLanes<Real>;
      const std::int64_t first = words.first - at, last = words.last - at;
      if (first < kLanes<Real> && last > 0)
        chains.sums[r][w].add_units(words, at, static_cast<int>(first > 0 ? first : 0),
                                    static_cast<int>(last < kLanes<Real> ? last : kLanes<Real>),
                                    largest);
    }
  }
  V::keep(largest, peak);
}

// body<rows>(first row): as many rows as the registers hold, and what is left in fours, twos, ones.
template <int kAll, typename Body>
void over_rows(std::int64_t rows, const Body& body) {
  std::int64_t i = 0;
  for (; i + kAll <= rows; i += kAll) body.template operator()<kAll>(i);
  if constexpr (kAll > 4)
    for (; i + 4 <= rows; i += 4) body.template operator()<4>(i);
  if constexpr (kAll > 2)
    for (; i + 2 <= rows; i += 2) body.template operator()<2>(i);
  if constexpr (kAll > 1)
    for (; i < rows; ++i) body.template operator()<1>(i);
}

// body<rows, vectors>(first row, first vector) over a block of so many rows and vectors.
template <Side kSide, typename Body>
void over_blocks(std::int64_t rows, int vectors, const Body& body) {
  for (int vector = 0; vector < vectors; vector += kMostVectors) {
    const auto panel = [&]<int kW>() {
      over_rows<rows_at_once(kSide == Side::kAcross, kW)>(
          rows, [&]<int kR>(std::int64_t row) { body.template operator()<kR, kW>(row, vector); });
    };
    const int width = vectors - vector;
    if constexpr (kMostVectors == 1) {
      panel.template operator()<1>();
    } else {
      if (width == 1) panel.template operator()<1>();
      if (width == 2) panel.template operator()<2>();
      if (width == 3) panel.template operator()<3>();
      if (width == 4) panel.template operator()<4>();
    }
  }
}

template <typename Real, Side kSide>
void multiply_side(const BlockProduct<Real>& p, const SumOf<Real>* start, SumOf<Real>* c) {
  over_blocks<kSide>(p.rows, p.vectors, [&]<int kR, int kW>(std::int64_t row, int vector) {
    multiply_block<Real, kSide, kR, kW>(p, row, vector, start, c);
  });
}

template <typename Real>
void multiply(const BlockProduct<Real>& p, const SumOf<Real>* start, SumOf<Real>* c) {
  if (p.a_row == 1)
    multiply_side<Real, Side::kAcross>(p, start, c);
  else
    multiply_side<Real, Side::kAlong>(p, start, c);
}

template <typename Real>
double add(const BlockProduct<Real>& p, const SumOf<Real>* c, const SumBlock& to) {
  const Destination destination(to);
  Peak<SumOf<Real>> peak;
  over_blocks<Side::kAcross>(p.rows, p.vectors, [&]<int kR, int kW>(std::int64_t row, int vector) {
    add_block<Real, kR, kW>(p, row, vector, c, destination, peak);
  });
  return peak.largest();
}

// In the precision of From or Real, whichever is higher.
template <typename From, typename Real>
HADAL_TARGET void convert_row(const From* from, std::int64_t count, const Real* shift,
                              const Real* factor, Real* to) {
  using Wide = decltype(From{} + Real{});
  if (shift == nullptr && factor == nullptr)
    for (std::int64_t j = 0; j < count; ++j) to[j] = static_cast<Real>(from[j]);
  else if (factor == nullptr)
    for (std::int64_t j = 0; j < count; ++j)
      to[j] = static_cast<Real>(static_cast<Wide>(from[j]) - shift[j]);
  else if (shift == nullptr)
    for (std::int64_t j = 0; j < count; ++j)
      to[j] = static_cast<Real>(static_cast<Wide>(from[j]) * factor[j]);
  else
    for (std::int64_t j = 0; j < count; ++j)
      to[j] = static_cast<Real>((static_cast<Wide>(from[j]) - shift[j]) * factor[j]);
}

template <typename Real>
void convert(const RowBlock& t, std::int64_t i, std::int64_t first, std::int64_t count,
             const Mapping<Real>& mapping, Real* to) {
  const Real* const shift = mapping.shift != nullptr ? mapping.shift + first : nullptr;
  const Real* const factor = mapping.factor != nullptr ? mapping.factor + first : nullptr;
  if (t.element == matrix::Element::kU8)
    convert_row(row_of<std::uint8_t>(t, i) + first, count, shift, factor, to);
  else if (t.element == matrix::Element::kF32)
    convert_row(row_of<float>(t, i) + first, count, shift, factor, to);
  else
    convert_row(row_of<double>(t, i) + first, count, shift, factor, to);
}

template <typename Real>
HADAL_TARGET void add_moments(const Real* t, std::int64_t count, double* __restrict sums,
                              double* __restrict squares) {
  for (std::int64_t j = 0; j < count; ++j) {
    const auto value = static_cast<double>(t[j]);
    sums[j] += value;
    squares[j] += value * value;
  }
}

template <typename Real>
const BlockKernels<Real>& block_kernels() {
  static constexpr BlockKernels<Real> kernels = {
      {multiply<Real>, add<Real>}, convert<Real>, add_moments<Real>};
  return kernels;
}

}  // namespace hadal::linalg::HADAL_ISA

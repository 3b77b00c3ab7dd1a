// The one loop under all row kernels, for every instruction set: a block of C += A B where each
// element is a chain of fused multiply-adds in ascending k. B comes in panels of 1 to 4 vectors of
// 64 bytes; A is read in place, along either side.
#pragma once

#include <cstdint>

#include "core/linalg/fixed_point.h"
#include "core/linalg/row_block.h"

namespace hadal::linalg {

template <typename Real>
inline constexpr int kLanes = 64 / sizeof(Real);
inline constexpr int kMaxVectors = 4;

template <typename Real>
struct BlockProduct {
  std::int64_t rows = 0, depth = 0;    // A: rows x depth
  const Real* a = nullptr;             // element (i, k) at a[i * a_row + k * a_step]
  std::int64_t a_row = 0, a_step = 0;  // one of them is 1
  const Real* b = nullptr;             // depth x (vectors * kLanes), a row every b_step
  std::int64_t b_step = 0;
  int vectors = 0;
  std::int64_t ahead = 0;  // elements of A from what is read to what will be wanted next
};

/// Where a block of sums goes: rows first_row .. and columns first_col .. of a sum with `cols`
/// columns; of a symmetric one only what lies on or above the diagonal.
struct SumBlock {
  FixedPointSum* sum = nullptr;
  std::int64_t cols = 0, first_row = 0, first_col = 0;
  bool triangle = false;
};

/// What convert() does to a column: t = (a - shift) * factor; null: nothing.
template <typename Real>
struct Mapping {
  const Real *shift = nullptr, *factor = nullptr;
};

template <typename Real>
struct BlockKernels {
  /// Columns [first, first + count) of row i, mapped, as Real.
  void (*convert)(const RowBlock& t, std::int64_t i, std::int64_t first, std::int64_t count,
                  const Mapping<Real>& mapping, Real* to);
  /// sums[j] += t[j], squares[j] += t[j]^2 in float64.
  void (*add_moments)(const Real* t, std::int64_t count, double* sums, double* squares);
  /// C = start + A B for every row of A, or C += A B where start is null. C: rows x
  /// (vectors * kLanes) without gaps, aligned; start: one row of it.
  void (*multiply)(const BlockProduct<Real>& product, const Real* start, Real* c);
  /// Rounds C + A B into the sum, C being zero where null; a_row is 1. Returns the largest
  /// magnitude rounded, NaN if there was one; entering it in the histogram is left to the caller.
  double (*add)(const BlockProduct<Real>& product, const Real* c, const SumBlock& to);
};

template <typename Real>
const BlockKernels<Real>& scalar_block_kernels();
template <typename Real>
const BlockKernels<Real>& avx2_block_kernels();
template <typename Real>
const BlockKernels<Real>& avx512_block_kernels();

template <typename Real>
const BlockKernels<Real>& kernels_of(Isa isa) {
  switch (isa) {
    case Isa::kAvx512:
      return avx512_block_kernels<Real>();
    case Isa::kAvx2:
      return avx2_block_kernels<Real>();
    case Isa::kScalar:
      break;
  }
  return scalar_block_kernels<Real>();
}

}  // namespace hadal::linalg

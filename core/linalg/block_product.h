// The one loop under all row kernels, for every instruction set: a block of C += A B where each
// element is a chain of fused multiply-adds in ascending k. B comes in panels of 1 to 4 vectors of
// 64 bytes; A is read in place, along either side.
#pragma once

#include <cstdint>
#include <vector>

#include "core/linalg/fixed_point.h"
#include "core/linalg/row_block.h"

namespace hadal::linalg {

template <typename Real>
inline constexpr int kLanes = 64 / sizeof(Real);
inline constexpr int kMaxVectors = 4;

/// Two neighbours along the sum as bfloat16, the even one in the lower half. Its product with
/// another adds the odd pair's product to a float, then the even pair's, each by a fused
/// multiply-add.
enum class Bf16Pair : std::uint32_t {};

/// What chains over A and B of some type are of.
template <typename Real>
struct SumOfType {
  using Type = Real;
};
template <>
struct SumOfType<Bf16Pair> {
  using Type = float;
};
template <typename Real>
using SumOf = typename SumOfType<Real>::Type;

template <typename Real>
struct BlockProduct {
  std::int64_t rows = 0, depth = 0;    // A: rows x depth
  const Real* a = nullptr;             // element (i, k) at a[i * a_row + k * a_step]
  std::int64_t a_row = 0, a_step = 0;  // one of them is 1
  const Real* b = nullptr;             // depth x (vectors * kLanes), a row every b_step
  std::int64_t b_step = 0;
  int vectors = 0;
  // What will be wanted next is fetched while chains run: what lies so many elements of A further
  // on, or, where A's rows lie side by side, these bytes.
  std::int64_t ahead = 0;
  const void* next = nullptr;
  std::int64_t next_bytes = 0;
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
struct BlockProducts {
  /// C = start + A B for every row of A, or C += A B where start is null. C: rows x
  /// (vectors * kLanes) without gaps, aligned; start: one row of it.
  void (*multiply)(const BlockProduct<Real>& product, const SumOf<Real>* start, SumOf<Real>* c);
  /// Rounds C + A B into the sum, C being zero where null; a_row is 1. Returns the largest
  /// magnitude rounded, NaN if there was one; entering it in the histogram is left to the caller.
  double (*add)(const BlockProduct<Real>& product, const SumOf<Real>* c, const SumBlock& to);
};

template <typename Real>
struct BlockKernels : BlockProducts<Real> {
  /// Columns [first, first + count) of row i, mapped, as Real.
  void (*convert)(const RowBlock& t, std::int64_t i, std::int64_t first, std::int64_t count,
                  const Mapping<Real>& mapping, Real* to);
  /// sums[j] += t[j], squares[j] += t[j]^2 in float64.
  void (*add_moments)(const Real* t, std::int64_t count, double* sums, double* squares);
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

/// Whether this machine multiplies pairs (AVX512_BF16), and how.
bool has_bf16();
const BlockProducts<Bf16Pair>& bf16_block_products();

/// Columns in panels of up to kMaxVectors vectors, as even as can be.
struct ColumnPanel {
  std::int64_t first = 0;  // column
  int vectors = 0;
};
std::vector<ColumnPanel> column_panels(std::int64_t cols, int lanes);

}  // namespace hadal::linalg

// The fused product of a pass with factors rounded to bfloat16 and sums in float32: about twice the
// rate of row_kernels.h, for passes that a pass in float32 will follow. Pixels 0..255 are bfloat16
// numbers, so of pictures nothing but X and Y is rounded, to 8 bits.
//
//   Y(i, j)  starts at -c_j; t(i, 1) x(1, j), t(i, 0) x(0, j), t(i, 3) x(3, j), ... are added
//   S(k, j)  starts at 0; t(1, k) y(1, j), t(0, k) y(0, j), t(3, k) y(3, j), ... over the group
//
// each by a fused multiply-add, odd before even as the instructions for pairs do it. A machine
// without them multiplies in float32 in the same order, to the same bits. (Denormals differ: those
// instructions take them for zero.)
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/linalg/aligned_buffer.h"
#include "core/linalg/block_product.h"
#include "core/linalg/dense_matrix.h"
#include "core/linalg/fixed_point.h"
#include "core/linalg/row_block.h"
#include "core/linalg/row_kernels.h"

namespace hadal::linalg {

/// X (n x l) rounded to bfloat16, and c in float32 (l values; empty: zeros). Made once a pass, read
/// by all threads, for kernels with the same `pairs`.
class MixedMatrix {
 public:
  explicit MixedMatrix(const DenseMatrix& x, std::span<const double> c = {},
                       bool pairs = has_bf16());

  std::int64_t rows() const { return rows_; }
  std::int64_t cols() const { return cols_; }

 private:
  friend class MixedKernels;

  std::int64_t rows_, cols_, padded_cols_;
  std::vector<ColumnPanel> panels_;
  AlignedBuffer<std::uint32_t> values_;  // pairs, or floats with odd rows before even ones
  AlignedBuffer<float> start_;
};

/// For one thread.
class MixedKernels {
 public:
  /// For rows of n columns, mapped in float32 before they are rounded. `pairs`: by the instructions
  /// for pairs, which the machine must have. Throws ShapeError when the map has another size.
  explicit MixedKernels(std::int64_t n, const ColumnMap& map = {}, bool pairs = has_bf16());

  /// Y = T X - 1 c^T, rounded to bfloat16, and S += T^T Y (n x l, one limb), for one group: at most
  /// kGroupRows rows, cut on the global row index. Throws ShapeError where sizes do not fit.
  void fused(const RowBlock& t, const MixedMatrix& x, FixedPointSum& s);

 private:
  template <typename Factor>
  void fused_by(const BlockProducts<Factor>& products, const RowBlock& t, const MixedMatrix& x,
                FixedPointSum& s);
  template <typename Factor>
  void pack_tile(const RowBlock& t, std::int64_t first, std::int64_t rows);

  std::int64_t n_;
  std::vector<float> shift_, factor_;
  bool pairs_;
  const BlockKernels<float>& kernels_;
  AlignedBuffer<float> row_, y_, sums_;
  AlignedBuffer<std::uint32_t> along_, across_, packed_y_;
};

}  // namespace hadal::linalg

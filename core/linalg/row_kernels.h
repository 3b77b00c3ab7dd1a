// What a pass does with a group of rows of A (m x n) while it is in cache. Everything is cut on the
// global row index into groups of kGroupRows, so that no bit depends on how rows are spread.
//
// Every value is one chain of fused multiply-adds in a fixed order, whatever the instruction set:
//
//   Y(i, j)  starts at -c_j; t(i, 0) x(0, j), t(i, 1) x(1, j), ... are added
//   S(k, j)  starts at 0; t(0, k) Y(0, j), t(1, k) Y(1, j), ... over the rows of the group
//   G(k, j)  likewise
//
// and what a group gives to S or G is rounded once into a sum without order (fixed_point.h).
//
// Real is float or double: t, X, Y and the chains are of that type; sums of float want one limb,
// of double two.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/linalg/aligned_buffer.h"
#include "core/linalg/block_product.h"
#include "core/linalg/dense_matrix.h"
#include "core/linalg/fixed_point.h"
#include "core/linalg/gram_panels.h"
#include "core/linalg/pixel_gram.h"
#include "core/linalg/row_block.h"

namespace hadal::linalg {

inline constexpr std::int64_t kGroupRows = 256;

/// t = (a - shift) * factor by column, each empty (nothing is done) or of n values, which are
/// rounded to Real first. float64 elements are shifted and scaled before they are rounded to Real.
struct ColumnMap {
  std::vector<double> shift{}, factor{};
};

/// X (n x l) rounded to Real and laid out for the kernels, and c (l values; empty: zeros). Made
/// once a pass, read by all threads.
template <typename Real>
class PackedMatrix {
 public:
  explicit PackedMatrix(const DenseMatrix& x, std::span<const double> c = {});

  std::int64_t rows() const { return rows_; }
  std::int64_t cols() const { return cols_; }

 private:
  template <typename>
  friend class RowKernels;

  // The last panel is filled up with zeros.
  std::int64_t padded_cols() const { return padded_cols_; }
  const Real* values(const ColumnPanel& panel) const {
    return values_.data() + panel.first * rows_;
  }
  const Real* start(const ColumnPanel& panel) const { return start_.data() + panel.first; }

  std::int64_t rows_, cols_, padded_cols_ = 0;
  std::vector<ColumnPanel> panels_;
  AlignedBuffer<Real> values_;  // panel after panel, each rows x its columns
  AlignedBuffer<Real> start_;   // -c
};

/// The kernels and their scratch memory, for one thread. Throws ShapeError where sizes do not fit.
template <typename Real>
class RowKernels {
 public:
  /// For rows of n columns. Throws ShapeError when the map's vectors have another size.
  explicit RowKernels(std::int64_t n, ColumnMap map = {}, Isa isa = best_isa());

  /// Y = T X - 1 c^T: rows x l, row-major without gaps. Any number of rows.
  void apply(const RowBlock& t, const PackedMatrix<Real>& x, Real* y);

  /// Y as above and S += T^T Y (n x l, row-major), for one group: at most kGroupRows rows, cut on
  /// the global row index. T is read from memory once. y may be null.
  void fused(const RowBlock& t, const PackedMatrix<Real>& x, FixedPointSum& s, Real* y = nullptr);

  /// G += T^T T (n x n, upper triangle, packed_index), for one group. Pixels (kU8) without a map
  /// and a sum of exponent 0 are summed exactly; then the block may have any number of rows, best
  /// some multiple of 512.
  void gram(const RowBlock& t, FixedPointSum& g);

  /// The short side being rows: G += P P^T (rows x rows, upper triangle), for a panel P of all rows
  /// and at most kGroupRows columns, cut on the global column index; n is then the panel's number
  /// of columns, the map the panel's part. Exact for pixels like gram(), of any width.
  void row_gram(const RowBlock& p, FixedPointSum& g);

  /// Sums over the group of t and of t^2 by column, in float64 chains over the rows: n elements
  /// each. Exact for pixels without a map in sums of exponent 0.
  void moments(const RowBlock& t, FixedPointSum& sums, FixedPointSum& squares);
  /// The latter alone.
  void squares(const RowBlock& t, FixedPointSum& squares);

 private:
  // Some rows, or columns of them, as Real: in place where they need no conversion.
  struct Tile {
    const Real* values;
    std::int64_t stride;
    bool goes_on;
  };
  Tile tile(const RowBlock& t, std::int64_t first, std::int64_t rows);
  bool needs_no_conversion(const RowBlock& t) const;
  struct Moments {
    std::vector<double> sums, squares;
  };
  Moments moments_of(const RowBlock& t);
  std::int64_t tile_rows() const;
  Mapping<Real> mapping() const;
  bool sums_whole_numbers(const RowBlock& t, const FixedPointSum& g) const;
  void multiply(const Tile& t, std::int64_t rows, const PackedMatrix<Real>& x, Real* y);
  static void unpack(const PackedMatrix<Real>& x, const Real* panels, std::int64_t rows, Real* y);
  void add_gram(const GramPanels<Real>& panels, FixedPointSum& g, bool whole_numbers);

  std::int64_t n_;
  std::vector<Real> shift_, factor_;
  Isa isa_;
  const BlockKernels<Real>& kernels_;
  AlignedBuffer<Real> tile_, y_, sums_, panels_;
  AlignedBuffer<std::uint8_t> pixels_;
};

struct Position {
  std::int64_t row = 0, col = 0;
};
/// The first NaN or infinity, by rows; nothing when all are finite.
std::optional<Position> first_not_finite(const RowBlock& t);

extern template class PackedMatrix<float>;
extern template class PackedMatrix<double>;
extern template class RowKernels<float>;
extern template class RowKernels<double>;

}  // namespace hadal::linalg

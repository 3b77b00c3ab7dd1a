// Rows of any source in float64, with a vector subtracted from each when asked: what the passes of
// least squares, pseudo-inverse and projector work on.
#pragma once

#include <cstdint>
#include <vector>

#include "core/matrix/row_source.h"
#include "dist/communicator.h"

namespace hadal::dist {

class DoubleRows {
 public:
  /// `source` must outlive this.
  explicit DoubleRows(const matrix::RowSource& source) : source_(source) {}

  const matrix::RowSource& source() const { return source_; }
  std::int64_t rows() const { return source_.rows(); }
  std::int64_t cols() const { return source_.cols(); }

  /// From now on a tile holds a_ij - shift_j; empty: nothing is subtracted.
  void set_shift(std::vector<double> shift) { shift_ = std::move(shift); }

  /// Rows [first, first + rows), row after row without gaps: the source's own memory when it holds
  /// them so, else `buffer`.
  const double* tile(std::int64_t first, std::int64_t rows, std::vector<double>& buffer) const;

 private:
  const matrix::RowSource& source_;
  std::vector<double> shift_;
};

/// Collective. Throws NotFiniteError that names the first row with a NaN or an infinity, and its
/// column, on every rank alike; returns when there is none.
void require_finite(Communicator& comm, const DoubleRows& rows, int threads);

}  // namespace hadal::dist

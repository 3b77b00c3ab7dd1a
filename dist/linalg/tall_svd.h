// The thin SVD of a tall matrix to working precision, without its long factor: what the
// pseudo-inverse and the projector are made of.
//
//   A = U S V^T,  U^T U = I (m x r),  V^T V = I (n x r),  r the numerical rank
//
// Three reads. TSQR and the SVD of R give r, V_1 and S_1. The second read forms Y = A V_1 S_1^-1
// row by row, whose columns are orthonormal up to eps k(A), and sums Y^T Y and Y^T A; with Y^T Y =
// L L^T the columns of Q = Y L^-T are orthonormal to eps (CholeskyQR, safe for k(Y) near 1), and
// the SVD of Q^T A = L^-1 Y^T A gives S, V and U = Y T. U is then known row by row, from a row of A
// alone, and is orthonormal also where A is ill-conditioned. What comes next of U, in U C, is best
// made as Y (T C).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "core/linalg/dense_matrix.h"
#include "core/matrix/row_source.h"
#include "dist/communicator.h"
#include "dist/linalg/double_rows.h"

namespace hadal::dist {

struct TallSvdOptions {
  /// Singular values at or below cutoff * sigma_1 count as zero; unset: max(m, n) eps.
  std::optional<double> cutoff{};
  int threads = 1;
};

class TallSvd {
 public:
  /// Collective; the same on every rank. `a`, and `b` (m x k) when given, must outlive this.
  /// Throws ShapeError (no rows or columns, rows that differ), ConfigError (cut-off outside [0,
  /// 1)), NotFiniteError naming the first entry that is not finite, and what reading throws.
  TallSvd(Communicator& comm, const matrix::RowSource& a, const matrix::RowSource* b,
          const TallSvdOptions& options = {});

  std::int64_t rows() const { return a_.rows(); }
  std::int64_t cols() const { return a_.cols(); }
  int rank() const { return static_cast<int>(sigma_.size()); }
  int threads() const { return threads_; }
  double cutoff() const { return cutoff_; }
  const std::vector<double>& sigma() const { return sigma_; }  // r, descending
  const linalg::DenseMatrix& v() const { return v_; }          // n x r
  const linalg::DenseMatrix& t() const { return t_; }          // r x r: U = Y T
  const linalg::DenseMatrix& ut_b() const { return ut_b_; }    // r x k: U^T B
  /// sigma_1 / sigma_r; 0 where the rank is 0.
  double condition() const { return rank() == 0 ? 0 : sigma_.front() / sigma_.back(); }

  /// Works on rows [first, first + y.rows) of Y and of B (y.rows x k; null without one), as thread
  /// `thread`; what it adds to `node` is summed over all rows.
  using Work = std::function<void(int thread, std::int64_t first, const linalg::DenseMatrix& y,
                                  const double* b, std::span<double> node)>;
  /// Collective; reads A once more. The sum of `length` values on rank 0, nothing on the others.
  std::vector<double> fold(Communicator& comm, std::size_t length, const Work& work) const;

  static constexpr int kPasses = 2;  // reads of A so far; one more for each fold()

 private:
  void find_directions(Communicator& comm);
  void orthonormalise(Communicator& comm);

  DoubleRows a_;
  std::optional<DoubleRows> b_;
  int threads_;
  double cutoff_ = 0;
  std::vector<double> sigma_;
  linalg::DenseMatrix v_, ut_b_;
  linalg::DenseMatrix w_, t_;  // V_1 S_1^-1 (n x r), T (r x r)
};

}  // namespace hadal::dist

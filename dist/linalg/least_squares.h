// Least squares over a matrix whose rows are spread over ranks.
//
//   x = argmin |A x - b|_2^2 + lambda |x|_2^2,  of all minimisers the one of least norm
//
// for one or several right-hand sides. With A = U S V^T (thin) of numerical rank r the solution is
//
//   x = V_r S_r^-1 U_r^T b = A^+ b      (with lambda: V S (S^2 + lambda)^-1 U^T b)
//
// with the *inverse* of S: V S U^T, as one finds it written in lecture notes, is A^T itself.
// NumPy's svd() returns V^T where texts say V.
//
// Two ways lead there behind one call:
//
//   normal equations  one pass gives A^T A and A^T b in float64; the Cholesky factor R of A^T A
//   with
//                     columns scaled to length one solves R^T R x = A^T b, wrong by about eps k^2
//                     (k the condition number). Each further pass computes residuals r = b - A x
//                     and x += (R^T R)^-1 A^T r, which takes the error down by that same factor:
//                     the corrected seminormal equations. Their convergence is watched, and the
//                     rate seen bounds what is left of the error.
//   orthogonal        QR of [A b] (tsqr.h), then the SVD of R: any condition number, any rank.
//
// The first is taken while it converges and no singular value comes near the cut-off, else the
// second. Bits depend neither on ranks nor on threads.
//
// Sources: Bjorck 1987 (corrected seminormal equations); Golub, Van Loan, Matrix Computations, 5.5.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/linalg/dense_matrix.h"
#include "core/matrix/row_source.h"
#include "dist/communicator.h"

namespace hadal::dist {

enum class LeastSquaresWay { kAuto, kNormalEquations, kOrthogonal };

struct LeastSquaresOptions {
  double ridge = 0;  // lambda
  /// Singular values at or below cutoff * sigma_1 count as zero; unset: max(m, n) eps.
  std::optional<double> cutoff{};
  /// Fits b = A x + c: A and b are centred by column, and c neither enters the norm of x nor is
  /// shrunk by lambda. Without it nothing is centred.
  bool intercept = false;
  LeastSquaresWay way = LeastSquaresWay::kAuto;
  int threads = 1;
};

struct LeastSquaresResult {
  linalg::DenseMatrix x;              // n x k
  std::vector<double> intercept;      // k; empty unless asked for
  std::vector<double> residual_norm;  // k: |b - A x - c|_2
  std::vector<double> b_norm;         // k: |b|_2, of the centred b with an intercept
  /// n x k, where the rank is n, lambda is 0 and more rows than unknowns are there to tell the
  /// noise by, else empty: sqrt(s^2 ((A^T A)^-1)_jj), s^2 = |r|^2 / (m - n - [intercept]).
  linalg::DenseMatrix standard_errors;
  std::vector<double> intercept_standard_errors;  // k, likewise
  int rank = 0;
  double cutoff = 0;             // relative, as used
  double largest_singular = 0;   // sigma_1 of A (centred with an intercept) ...
  double smallest_singular = 0;  // ... and sigma_r; estimates, from outside, by normal equations
  double condition = 0;          // their ratio; 0 where the rank is 0
  LeastSquaresWay way = LeastSquaresWay::kAuto;  // the one taken
  std::string reason;                            // of the choice, one line
  int refinements = 0;                           // passes of the first way after its first
  /// Estimate of |x - x*| / |x*| from the rate of convergence; 0: none (orthogonal).
  double estimated_error = 0;
  int passes = 0;  // reads of A
};

/// Collective; the same result on every rank. A: m x n, b: m x k. Throws ShapeError (rows differ,
/// nothing there), ConfigError (lambda or cutoff out of range; kNormalEquations where they fail),
/// NotFiniteError naming the first entry that is not finite, and what reading throws.
LeastSquaresResult least_squares(Communicator& comm, const matrix::RowSource& a,
                                 const matrix::RowSource& b,
                                 const LeastSquaresOptions& options = {});

}  // namespace hadal::dist

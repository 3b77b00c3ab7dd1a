// The fast way of least_squares.h: the Cholesky factor of A^T A, and passes that refine.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/linalg/dense_matrix.h"
#include "dist/communicator.h"
#include "dist/linalg/double_rows.h"

namespace hadal::dist {

/// Centred already where that is wanted.
struct LeastSquaresProblem {
  Communicator& comm;
  const DoubleRows& a;  // m x n
  const DoubleRows& b;  // m x k
  double ridge = 0;
  double cutoff = 0;  // relative to sigma_1
  int threads = 1;
};

/// What either way finds; on rank 0.
struct LeastSquaresSolution {
  linalg::DenseMatrix x;              // n x k
  std::vector<double> residual_norm;  // k
  std::vector<double> b_norm;         // k
  int rank = 0;
  double largest_singular = 0, smallest_singular = 0;
  double estimated_error = 0;
  /// n x r with factor factor^T = (A^T A)^+, when lambda is 0.
  linalg::DenseMatrix factor;
};

struct NormalEquationsOutcome {
  bool solved = false;
  std::string reason;  // of a failure, on rank 0
  int refinements = 0, passes = 0;
  LeastSquaresSolution solution{};
};

/// Collective, for m >= n; `solved`, refinements and passes on every rank. Throws NotFiniteError.
NormalEquationsOutcome solve_normal_equations(const LeastSquaresProblem& problem);

}  // namespace hadal::dist

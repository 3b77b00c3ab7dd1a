// A vector as a combination of few atoms of a dictionary.
//
//   x (n) is near sum_j a_j d_j with few a_j other than 0; d_1 .. d_p are unit vectors of n values.
//
//   omp    orthogonal matching pursuit: takes the atom that correlates most with what is left, then
//          fits all atoms taken by least squares, until `nonzeros` are taken
//   lasso  argmin |x - sum a_j d_j|^2 / 2 + lambda sum |a_j|, by least angle regression: follows
//          the solution from the lambda where all are 0 down to the one asked for, exactly
//
// Both work on correlations c = D x and G = D D^T alone.
// Sources: Pati, Rezaiifar, Krishnaprasad 1993 (OMP); Rubinstein, Zibulevsky, Elad 2008 (with G and
// a growing Cholesky factor); Efron, Hastie, Johnstone, Tibshirani 2004 (LARS, section 3 for the
// lasso).
#pragma once

#include <span>
#include <vector>

#include "core/linalg/dense_matrix.h"

namespace hadal::eigenfaces {

/// Values other than 0, in the order in which atoms were taken.
struct SparseCode {
  std::vector<int> atoms{};
  std::vector<double> values{};
};

class SparseCoder {
 public:
  /// `atoms`: p x n, rows of length 1. REQUIRES: outlives this.
  explicit SparseCoder(const linalg::DenseMatrix& atoms);

  /// c of many vectors: `signals` (count x n) times atoms^T, count x p.
  linalg::DenseMatrix correlations(const linalg::DenseMatrix& signals) const;

  /// At most `nonzeros` atoms, fewer when the rest is 0 or depends linearly on those taken.
  /// `correlations`: p.
  SparseCode omp(std::span<const double> correlations, int nonzeros) const;

  /// The solution at lambda >= 0, or the last one before more than `nonzeros` atoms would be needed
  /// (at most p: no limit).
  SparseCode lasso(std::span<const double> correlations, double lambda, int nonzeros) const;

  /// The least squares fit by the atoms of `code`.
  SparseCode refitted(const SparseCode& code, std::span<const double> correlations) const;

  /// sum_j a_j d_j: n values.
  std::vector<double> decode(const SparseCode& code) const;

  const linalg::DenseMatrix& atoms() const { return *atoms_; }
  const linalg::DenseMatrix& gram() const { return gram_; }

 private:
  const linalg::DenseMatrix* atoms_;
  linalg::DenseMatrix gram_;  // p x p
};

}  // namespace hadal::eigenfaces

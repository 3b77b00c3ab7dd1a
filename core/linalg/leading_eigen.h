// A few leading eigenpairs of a symmetric matrix that is too large to be worth all of them.
#pragma once

#include <cstdint>

#include "core/linalg/dense.h"

namespace hadal::linalg {

struct LeadingEigenOptions {
  /// |G v_i - lambda_i v_i|_2 <= tolerance * lambda_1 for every pair. The eigenvalues are then
  /// right to about tolerance^2 lambda_1^2 / gap, and at least to tolerance * lambda_1.
  double tolerance = 1e-12;
};

/// The `k` largest eigenvalues of the symmetric positive semidefinite G (n x n, both triangles)
/// with orthonormal vectors. Throws ShapeError unless 0 <= k <= n.
SymmetricEigen leading_eigen(const DenseMatrix& g, std::int64_t k,
                             const LeadingEigenOptions& options = {});

}  // namespace hadal::linalg

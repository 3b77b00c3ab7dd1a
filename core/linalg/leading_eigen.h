// A few leading eigenpairs of a symmetric matrix that is too large to be worth all of them.
#pragma once

#include <cstdint>

#include "core/linalg/dense.h"

namespace hadal::linalg {

struct LeadingEigenOptions {
  /// |G v_i - lambda_i v_i|_2 <= tolerance * lambda_1 for every pair. An eigenvalue is then right
  /// to tolerance^2 lambda_1^2 / its distance from those left out, so 1e-6 does where only values
  /// count.
  double tolerance = 1e-10;
};

/// The `k` largest eigenvalues of the symmetric positive semidefinite G (n x n, both triangles)
/// with orthonormal vectors, by a Krylov space that starts from fixed random vectors; by the full
/// solver where that would be no slower, does not come near enough, or has passed something over.
/// Throws ShapeError unless 0 <= k <= n.
SymmetricEigen leading_eigen(const DenseMatrix& g, std::int64_t k,
                             const LeadingEigenOptions& options = {});

}  // namespace hadal::linalg

// Leading eigenpairs of a symmetric tridiagonal matrix, several at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/linalg/dense_matrix.h"

namespace hadal::linalg {

struct TridiagonalEigen {
  std::vector<double> values;  // descending
  DenseMatrix vectors;         // one a row, orthonormal
};

/// The `k` largest eigenvalues of T (n diagonal elements d, n - 1 beside them e), each right to
/// some eps |T|, by bisection on the signs of T - x = L D L^T (Barth, Martin and Wilkinson 1967);
/// their vectors from twisted factorisations (Parlett and Dhillon 1997), residuals and angles
/// checked. Nothing where those are not right to working precision, as where eigenvalues are
/// repeated, or where T is not finite or |T| not within 2^-400 and 2^400. REQUIRES: 1 <= k <= n.
std::optional<TridiagonalEigen> leading_tridiagonal(std::span<const double> d,
                                                    std::span<const double> e, std::int64_t k);

}  // namespace hadal::linalg

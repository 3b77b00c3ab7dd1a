// Algebra of small matrices in float64, by OpenBLAS and its LAPACK on the calling thread alone: the
// same bits whatever threads there are. All matrices are row-major DenseMatrix.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/linalg/dense_matrix.h"

namespace hadal::linalg {

DenseMatrix identity(std::int64_t n);
DenseMatrix transpose(const DenseMatrix& a);
/// A B, A^T B, A B^T. Throw ShapeError when the inner sizes differ.
DenseMatrix multiply(const DenseMatrix& a, const DenseMatrix& b);
DenseMatrix multiply_transposed_left(const DenseMatrix& a, const DenseMatrix& b);
DenseMatrix multiply_transposed_right(const DenseMatrix& a, const DenseMatrix& b);
/// A^T A, both triangles.
DenseMatrix self_product(const DenseMatrix& a);
/// Columns [first, first + count).
DenseMatrix columns(const DenseMatrix& a, std::int64_t first, std::int64_t count);
/// Columns of a, then those of b.
DenseMatrix beside(const DenseMatrix& a, const DenseMatrix& b);
double frobenius_norm(const DenseMatrix& a);

struct QrFactors {
  DenseMatrix q;  // m x n, Q^T Q = I to working precision also where A is deficient
  DenseMatrix r;  // n x n, upper triangular; the signs are Householder's
};
/// A = Q R (m >= n), by Householder reflections. Throws ShapeError when m < n.
QrFactors qr(const DenseMatrix& a);
/// Q of it.
DenseMatrix orthonormalise(const DenseMatrix& a);

struct SymmetricEigen {
  std::vector<double> values;  // descending
  DenseMatrix vectors;         // n x k: column i belongs to values[i]; signs as they come
};
/// All of A = V diag(values) V^T, by divide and conquer; the upper triangle is read.
SymmetricEigen symmetric_eigen(const DenseMatrix& a);
/// The `k` largest (not by magnitude), by tridiagonal form and relatively robust representations.
/// Throws ShapeError unless 0 <= k <= n.
SymmetricEigen symmetric_eigen(const DenseMatrix& a, std::int64_t k);

struct DenseSvd {
  DenseMatrix u;              // m x r, r = min(m, n)
  std::vector<double> sigma;  // r, descending
  DenseMatrix v;              // n x r: A = U diag(sigma) V^T
};
DenseSvd dense_svd(const DenseMatrix& a);

/// The upper triangular R of A = R^T R; nothing when A is not positive definite to working
/// precision. The upper triangle is read.
std::optional<DenseMatrix> cholesky(const DenseMatrix& a);

/// X of R X = B, of R^T X = B, and of X R = B, R upper triangular without zeros on its diagonal.
DenseMatrix solve_upper(const DenseMatrix& r, const DenseMatrix& b);
DenseMatrix solve_upper_transposed(const DenseMatrix& r, const DenseMatrix& b);
DenseMatrix solve_upper_right(const DenseMatrix& b, const DenseMatrix& r);

}  // namespace hadal::linalg

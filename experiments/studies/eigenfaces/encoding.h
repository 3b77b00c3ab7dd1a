// What an encoding of few numbers loses: principal components beside sparse codes.
#pragma once

#include <vector>

#include "core/linalg/dense_matrix.h"
#include "experiments/studies/eigenfaces/sparse_code.h"

namespace hadal::eigenfaces {

struct PrincipalAxes {
  std::vector<double> mean{};  // n
  linalg::DenseMatrix axes{};  // count x n, orthonormal rows by descending variance
};

/// Of the rows of `examples`, by the eigenvectors of their shorter side. Throws ConfigError for
/// more axes than the centred examples can span.
PrincipalAxes principal_axes(const linalg::DenseMatrix& examples, std::int64_t count);

/// The rows less `mean`.
linalg::DenseMatrix centred(linalg::DenseMatrix rows, const std::vector<double>& mean);

/// Root mean squared error over all values of `examples` (mean taken off) kept as `kept`
/// coefficients: of the first axes, or with `largest` of those that are largest for each example.
double encoding_error(const linalg::DenseMatrix& examples, const PrincipalAxes& axes, int kept,
                      bool largest);

enum class Pursuit { kOmp, kLasso };

/// The same with `kept` atoms of a dictionary: chosen by OMP, or by the lasso and fitted anew.
double encoding_error(const linalg::DenseMatrix& examples, const SparseCoder& coder, int kept,
                      Pursuit pursuit);

}  // namespace hadal::eigenfaces

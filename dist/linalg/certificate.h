// A bound on what a subspace leaves of a matrix, with a stated probability.
//
// X has orthonormal columns; P = I - X X^T; E = P T^T T P, so that lambda_max(E) = |T P|_2^2. With
// probes z_1 .. z_r of independent N(0, 1) entries, w_i = P z_i and e_i = P T^T T w_i = E z_i,
//
//   sum |e_i|^2 = sum z_i^T E^2 z_i >= lambda_max(E)^2 sum (q^T z_i)^2,
//
// q the leading eigenvector of E, and sum (q^T z_i)^2 is chi-squared with r degrees of freedom.
// With its delta-quantile c,
//
//   |T P|_2 <= (sum |e_i|^2 / c)^(1/4)   with probability at least 1 - delta.
//
// It holds for any X that does not depend on the probes, for any matrix, with no gap assumed. Twice
// the power makes it tighter than the bound of Halko, Martinsson, Tropp 2011, 4.3, which uses T
// once.
#pragma once

#include "core/linalg/dense_matrix.h"

namespace hadal::dist {

/// The delta-quantile of chi-squared with r degrees of freedom: 0.338 for r = 10, delta = 1e-6.
double chi_squared_quantile(int degrees, double delta);

/// P z for the columns of z: w x r. Applied twice, against rounding.
linalg::DenseMatrix outside_of(const linalg::DenseMatrix& x, const linalg::DenseMatrix& z);

/// The bound above from e' = T^T T w (w x r; not yet projected). 0 where r = 0 columns.
double residual_bound(const linalg::DenseMatrix& x, const linalg::DenseMatrix& products,
                      double delta);

}  // namespace hadal::dist

#include "dist/linalg/certificate.h"

#include <cmath>

#include <boost/math/distributions/chi_squared.hpp>

#include "core/linalg/dense.h"

namespace hadal::dist {

using linalg::DenseMatrix;

double chi_squared_quantile(int degrees, double delta) {
  return boost::math::quantile(boost::math::chi_squared(degrees), delta);
}

DenseMatrix outside_of(const DenseMatrix& x, const DenseMatrix& z) {
  DenseMatrix outside = z;
  for (int turn = 0; turn < 2 && x.cols > 0; ++turn) {
    const DenseMatrix inside = linalg::multiply(x, linalg::multiply_transposed_left(x, outside));
    for (std::size_t i = 0; i < outside.values.size(); ++i) outside.values[i] -= inside.values[i];
  }
  return outside;
}

double residual_bound(const DenseMatrix& x, const DenseMatrix& products, double delta) {
  if (products.cols == 0) return 0;
  const double norm = linalg::frobenius_norm(outside_of(x, products));
  return std::pow(norm * norm / chi_squared_quantile(static_cast<int>(products.cols), delta), 0.25);
}

}  // namespace hadal::dist

#include "dist/linalg/ritz.h"

#include <algorithm>
#include <cmath>

#include "core/linalg/dense.h"

namespace hadal::dist {

using linalg::DenseMatrix;

Ritz rayleigh_ritz(const DenseMatrix& k, const DenseMatrix& z, std::int64_t wanted) {
  const auto root = linalg::cholesky(linalg::self_product(k));
  const linalg::QrFactors factors =
      root ? linalg::QrFactors{linalg::solve_upper_right(k, *root), *root} : linalg::qr(k);
  const DenseMatrix image = linalg::solve_upper_right(z, factors.r);  // T^T T Q
  DenseMatrix h = linalg::multiply_transposed_left(factors.q, image);
  for (std::int64_t i = 0; i < h.rows; ++i)
    for (std::int64_t j = i; j < h.cols; ++j) h(i, j) = h(j, i) = 0.5 * (h(i, j) + h(j, i));
  const linalg::SymmetricEigen eigen = linalg::symmetric_eigen(h, std::min(wanted, h.rows));
  Ritz ritz{factors.q, eigen.values, linalg::multiply(factors.q, eigen.vectors), {}};
  const DenseMatrix images = linalg::multiply(image, eigen.vectors);
  ritz.residuals.assign(ritz.values.size(), 0.0);
  for (std::int64_t i = 0; i < images.rows; ++i)
    for (std::int64_t j = 0; j < images.cols; ++j) {
      const auto at = static_cast<std::size_t>(j);
      const double r = images(i, j) - ritz.values[at] * ritz.vectors(i, j);
      ritz.residuals[at] += r * r;
    }
  for (double& residual : ritz.residuals) residual = std::sqrt(residual);
  return ritz;
}

double gain_left(const Ritz& ritz, int k, std::int64_t block) {
  const auto& values = ritz.values;
  const auto wanted = static_cast<std::size_t>(k);
  const auto rest =
      std::min(std::max(static_cast<std::size_t>(block) - 1, wanted), values.size() - 1);
  double most = 0;
  for (std::size_t i = 0; i < wanted; ++i) {
    // Where the rank is below k there is nothing to gain but rounding.
    if (values[i] <= 1e-13 * values.front()) break;
    const double gap = std::max(values[i] - values[rest], 0.02 * values[i]);
    most = std::max(most, ritz.residuals[i] * ritz.residuals[i] / (gap * values[i]));
  }
  return most;
}

}  // namespace hadal::dist

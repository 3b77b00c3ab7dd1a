#include "launcher/strategies/bayesian_linear.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/base/error.h"
#include "core/linalg/dense.h"

namespace hadal::launcher {
using linalg::DenseMatrix;

BayesianLinear::BayesianLinear(const DenseMatrix& features, std::span<const double> targets) {
  decompose(features, targets);
  double best = -std::numeric_limits<double>::infinity();
  for (int a = -8; a <= 8; ++a)
    for (int b = -2; b <= 10; ++b) {
      const double alpha = std::pow(10, a / 2.0), beta = std::pow(10, b / 2.0);
      const double evidence = log_evidence_of(alpha, beta);
      if (evidence <= best) continue;
      best = evidence;
      alpha_ = alpha;
      beta_ = beta;
    }
}

BayesianLinear::BayesianLinear(const DenseMatrix& features, std::span<const double> targets,
                               double alpha, double beta)
    : alpha_(alpha), beta_(beta) {
  decompose(features, targets);
}

void BayesianLinear::decompose(const DenseMatrix& features, std::span<const double> targets) {
  HADAL_CHECK(features.rows == static_cast<std::int64_t>(targets.size()));
  linalg::SymmetricEigen eigen = linalg::symmetric_eigen(linalg::self_product(features));
  for (double& value : eigen.values) value = std::max(value, 0.0);
  vectors_ = std::move(eigen.vectors);
  values_ = std::move(eigen.values);
  DenseMatrix y(features.rows, 1);
  std::copy(targets.begin(), targets.end(), y.values.begin());
  const DenseMatrix projected =
      linalg::multiply_transposed_left(vectors_, linalg::multiply_transposed_left(features, y));
  projected_ = {projected.values.begin(), projected.values.end()};
  targets_squared_ = 0;
  for (const double target : targets) targets_squared_ += target * target;
  count_ = static_cast<double>(targets.size());
}

double BayesianLinear::log_evidence_of(double alpha, double beta) const {
  double residual = targets_squared_, length = 0, log_det = 0;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    const double precision = alpha + beta * values_[i];
    const double mean = beta * projected_[i] / precision;
    residual += mean * (values_[i] * mean - 2 * projected_[i]);
    length += mean * mean;
    log_det += std::log(precision);
  }
  return 0.5 * (static_cast<double>(values_.size()) * std::log(alpha) +
                count_ * std::log(beta / (2 * std::numbers::pi)) - beta * residual -
                alpha * length - log_det);
}

Normal BayesianLinear::predict(std::span<const double> features) const {
  Normal normal;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    double along = 0;  // of this eigenvector
    for (std::size_t k = 0; k < features.size(); ++k)
      along += features[k] * vectors_(static_cast<std::int64_t>(k), static_cast<std::int64_t>(i));
    const double precision = alpha_ + beta_ * values_[i];
    normal.mean += along * beta_ * projected_[i] / precision;
    normal.variance += along * along / precision;
  }
  return normal;
}

}  // namespace hadal::launcher

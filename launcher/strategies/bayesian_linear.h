// Bayesian linear regression: what a few noisy results say of a linear function, and how sure that
// is.
#pragma once

#include <span>
#include <vector>

#include "core/linalg/dense_matrix.h"

namespace hadal::launcher {

struct Normal {
  double mean = 0;
  double variance = 0;
};

/// y = F w + noise, w ~ N(0, I / alpha), noise ~ N(0, I / beta). F: n x m, y: n. The posterior is
///
///   S = (alpha I + beta F^T F)^-1,  m = beta S F^T y,
///   f(x) = phi^T w ~ N(phi^T m, phi^T S phi)
///
/// and the evidence log p(y) = m/2 log alpha + n/2 log beta - beta/2 |y - F m|^2 - alpha/2 |m|^2
///   - 1/2 log det(S^-1) - n/2 log 2 pi.
/// Source: Bishop 2006, 3.3 and 3.5; Snoek et al. 2015, equations 3 to 6, without their mean
/// function.
class BayesianLinear {
 public:
  /// alpha and beta of the largest evidence on a grid of half decades: alpha 1e-4 to 1e4, beta 1e-1
  /// to 1e5.
  BayesianLinear(const linalg::DenseMatrix& features, std::span<const double> targets);
  BayesianLinear(const linalg::DenseMatrix& features, std::span<const double> targets, double alpha,
                 double beta);

  /// Of f at a point with these m features, the noise of a result left out.
  Normal predict(std::span<const double> features) const;
  double log_evidence() const { return log_evidence_of(alpha_, beta_); }
  double alpha() const { return alpha_; }
  double beta() const { return beta_; }

 private:
  void decompose(const linalg::DenseMatrix& features, std::span<const double> targets);
  double log_evidence_of(double alpha, double beta) const;

  // In the basis of the eigenvectors of F^T F, where everything is diagonal.
  linalg::DenseMatrix vectors_;
  std::vector<double> values_, projected_;  // V^T F^T y
  double targets_squared_ = 0;
  double count_ = 0;
  double alpha_ = 1, beta_ = 1;
};

}  // namespace hadal::launcher

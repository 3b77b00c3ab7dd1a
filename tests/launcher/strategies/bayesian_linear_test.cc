#include "launcher/strategies/bayesian_linear.h"

#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "core/base/random.h"
#include "core/linalg/dense.h"
#include "launcher/strategies/expected_improvement.h"

namespace hadal::launcher {
namespace {

using linalg::DenseMatrix;

DenseMatrix made(std::int64_t rows, std::int64_t cols, std::uint64_t number) {
  DenseMatrix matrix(rows, cols);
  for (std::size_t i = 0; i < matrix.values.size(); ++i)
    matrix.values[i] =
        random::normal({.seed = 7, .purpose = random::Purpose::kTest, .a = number}, i);
  return matrix;
}

// Inverse by Gauss and Jordan with pivots, and the logarithm of the determinant on the way: nothing
// that the code under test uses.
DenseMatrix inverse(DenseMatrix a, double& log_det) {
  const std::int64_t n = a.rows;
  DenseMatrix b = linalg::identity(n);
  log_det = 0;
  for (std::int64_t c = 0; c < n; ++c) {
    std::int64_t pivot = c;
    for (std::int64_t r = c; r < n; ++r)
      if (std::abs(a(r, c)) > std::abs(a(pivot, c))) pivot = r;
    for (std::int64_t k = 0; k < n; ++k) {
      std::swap(a(c, k), a(pivot, k));
      std::swap(b(c, k), b(pivot, k));
    }
    const double p = a(c, c);
    log_det += std::log(std::abs(p));
    for (std::int64_t k = 0; k < n; ++k) {
      a(c, k) /= p;
      b(c, k) /= p;
    }
    for (std::int64_t r = 0; r < n; ++r) {
      if (r == c) continue;
      const double f = a(r, c);
      for (std::int64_t k = 0; k < n; ++k) {
        a(r, k) -= f * a(c, k);
        b(r, k) -= f * b(c, k);
      }
    }
  }
  return b;
}

struct ClosedForm {
  DenseMatrix covariance, mean;
  double log_evidence;
};

// S = (alpha I + beta F^T F)^-1, m = beta S F^T y, as they stand in the header.
ClosedForm closed_form(const DenseMatrix& f, const DenseMatrix& y, double alpha, double beta) {
  DenseMatrix precision(f.cols, f.cols);
  for (std::int64_t i = 0; i < f.cols; ++i)
    for (std::int64_t j = 0; j < f.cols; ++j) {
      precision(i, j) = i == j ? alpha : 0;
      for (std::int64_t k = 0; k < f.rows; ++k) precision(i, j) += beta * f(k, i) * f(k, j);
    }
  double log_det = 0;
  ClosedForm result{inverse(precision, log_det), DenseMatrix(f.cols, 1), 0};
  for (std::int64_t i = 0; i < f.cols; ++i)
    for (std::int64_t j = 0; j < f.cols; ++j)
      for (std::int64_t k = 0; k < f.rows; ++k)
        result.mean(i, 0) += beta * result.covariance(i, j) * f(k, j) * y(k, 0);
  double residual = 0, length = 0;
  for (std::int64_t k = 0; k < f.rows; ++k) {
    double difference = y(k, 0);
    for (std::int64_t i = 0; i < f.cols; ++i) difference -= f(k, i) * result.mean(i, 0);
    residual += difference * difference;
  }
  for (std::int64_t i = 0; i < f.cols; ++i) length += result.mean(i, 0) * result.mean(i, 0);
  const auto n = static_cast<double>(f.rows), m = static_cast<double>(f.cols);
  result.log_evidence = m / 2 * std::log(alpha) + n / 2 * std::log(beta) - beta / 2 * residual -
                        alpha / 2 * length - log_det / 2 - n / 2 * std::log(2 * std::numbers::pi);
  return result;
}

TEST(BayesianLinear, MeanVarianceAndEvidenceAreThoseOfTheClosedForm) {
  for (const std::int64_t rows : {3, 12, 40})  // fewer results than features, and more
    for (const double alpha : {0.01, 3.0})
      for (const double beta : {0.5, 200.0}) {
        const DenseMatrix f = made(rows, 9, 1), y = made(rows, 1, 2), at = made(1, 9, 3);
        const BayesianLinear model(f, y.values, alpha, beta);
        const ClosedForm expected = closed_form(f, y, alpha, beta);
        double mean = 0, variance = 0;
        for (std::int64_t i = 0; i < 9; ++i) {
          mean += at(0, i) * expected.mean(i, 0);
          for (std::int64_t j = 0; j < 9; ++j)
            variance += at(0, i) * expected.covariance(i, j) * at(0, j);
        }
        const Normal predicted = model.predict(at.values);
        // Condition numbers below 1e6 here, in double.
        EXPECT_NEAR(predicted.mean, mean, 1e-9 * (1 + std::abs(mean)));
        EXPECT_NEAR(predicted.variance, variance, 1e-9 * (1 + variance));
        EXPECT_NEAR(model.log_evidence(), expected.log_evidence,
                    1e-9 * (1 + std::abs(expected.log_evidence)));
      }
}

TEST(BayesianLinear, TheEvidenceFindsTheNoise) {
  const DenseMatrix f = made(400, 5, 1), w = made(5, 1, 2), noise = made(400, 1, 3);
  DenseMatrix y = linalg::multiply(f, w);
  for (std::size_t i = 0; i < y.values.size(); ++i) y.values[i] += 0.1 * noise.values[i];
  // beta is one over the variance, on a grid of half decades.
  EXPECT_NEAR(std::log10(BayesianLinear(f, y.values).beta()), 2, 0.25);
}

TEST(BayesianLinear, FarFromEveryResultItIsLessSure) {
  const DenseMatrix f = made(30, 4, 1), y = made(30, 1, 2);
  const BayesianLinear model(f, y.values);
  std::vector<double> near(f.row(0).begin(), f.row(0).end()), far = near;
  for (double& value : far) value *= 10;
  EXPECT_GT(model.predict(far).variance, 50 * model.predict(near).variance);
}

// E[max(best - f, 0)] by the trapezoidal rule over ten deviations each way.
double integrated(const Normal& f, double best) {
  const double s = std::sqrt(f.variance);
  constexpr int kSteps = 200'000;
  double sum = 0;
  for (int i = 0; i <= kSteps; ++i) {
    const double z = -10 + 20.0 * i / kSteps;
    const double density = std::exp(-0.5 * z * z) / std::sqrt(2 * std::numbers::pi);
    sum += std::max(best - (f.mean + s * z), 0.0) * density * (i == 0 || i == kSteps ? 0.5 : 1);
  }
  return sum * 20.0 / kSteps;
}

TEST(ExpectedImprovement, IsTheIntegralOverTheNormalDistribution) {
  for (const double mean : {-2.0, 0.0, 0.3, 1.5})
    for (const double variance : {1e-4, 0.25, 4.0})
      for (const double best : {-1.0, 0.0, 1.0})
        // The kink costs the trapezoidal rule h^2 s / 12, h = 1e-4.
        EXPECT_NEAR(expected_improvement({mean, variance}, best),
                    integrated({mean, variance}, best), 1e-8)
            << mean << " " << variance << " " << best;
}

TEST(ExpectedImprovement, WithoutDoubtIsWhatIsLeftToGain) {
  EXPECT_EQ(expected_improvement({2, 0}, 3), 1);
  EXPECT_EQ(expected_improvement({4, 0}, 3), 0);
}

}  // namespace
}  // namespace hadal::launcher

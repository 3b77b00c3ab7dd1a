#include "core/linalg/dense.h"

#include <cmath>

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/linalg/gaussian.h"
#include "core/linalg/leading_eigen.h"

namespace hadal::linalg {
namespace {

double largest_difference(const DenseMatrix& a, const DenseMatrix& b) {
  EXPECT_EQ(a.rows, b.rows);
  EXPECT_EQ(a.cols, b.cols);
  double largest = 0;
  for (std::size_t i = 0; i < a.values.size(); ++i)
    largest = std::max(largest, std::abs(a.values[i] - b.values[i]));
  return largest;
}

DenseMatrix scaled_columns(DenseMatrix a, const std::vector<double>& factors) {
  for (std::int64_t i = 0; i < a.rows; ++i)
    for (std::int64_t j = 0; j < a.cols; ++j) a(i, j) *= factors[static_cast<std::size_t>(j)];
  return a;
}

// V diag(values) V^T with a random orthogonal V.
DenseMatrix with_spectrum(const std::vector<double>& values, std::uint64_t seed) {
  const auto n = static_cast<std::int64_t>(values.size());
  const DenseMatrix v = orthonormalise(gaussian_matrix({seed}, n, n));
  return multiply_transposed_right(scaled_columns(v, values), v);
}

// Rounding of sums of at most 300 products of order 1, in float64.
constexpr double kTiny = 1e-12;

TEST(Dense, ProductsFollowTheDefinition) {
  const DenseMatrix a = gaussian_matrix({1}, 5, 3), b = gaussian_matrix({2}, 3, 4);
  DenseMatrix c(5, 4);
  for (std::int64_t i = 0; i < 5; ++i)
    for (std::int64_t j = 0; j < 4; ++j)
      for (std::int64_t k = 0; k < 3; ++k) c(i, j) += a(i, k) * b(k, j);
  EXPECT_LT(largest_difference(multiply(a, b), c), kTiny);
  EXPECT_LT(largest_difference(multiply_transposed_left(transpose(a), b), c), kTiny);
  EXPECT_LT(largest_difference(multiply_transposed_right(a, transpose(b)), c), kTiny);
  EXPECT_LT(largest_difference(self_product(a), multiply(transpose(a), a)), kTiny);
  EXPECT_THROW(multiply(a, a), ShapeError);
}

TEST(Dense, QrGivesBackTheMatrixWithOrthonormalColumns) {
  for (const auto& [m, n] : {std::pair{1, 1}, {7, 7}, {100, 1}, {65, 33}, {9, 0}}) {
    const DenseMatrix a = gaussian_matrix({3}, m, n);
    const QrFactors f = qr(a);
    EXPECT_LT(largest_difference(multiply(f.q, f.r), a), kTiny) << m << "x" << n;
    EXPECT_LT(largest_difference(self_product(f.q), identity(n)), kTiny) << m << "x" << n;
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < i; ++j) EXPECT_EQ(f.r(i, j), 0);
  }
  EXPECT_THROW(qr(DenseMatrix(2, 3)), ShapeError);
}

TEST(Dense, OrthonormaliseCompletesADeficientMatrix) {
  const DenseMatrix x = gaussian_matrix({4}, 50, 3);
  const DenseMatrix q = orthonormalise(beside(x, x));
  EXPECT_LT(largest_difference(self_product(q), identity(6)), kTiny);
}

TEST(Dense, EigenvaluesComeBackDescendingAllOrTheFirst) {
  const std::vector<double> values = {5, 3, 2, 1, 0.5, 0, -4};
  const DenseMatrix a = with_spectrum(values, 5);
  const SymmetricEigen all = symmetric_eigen(a);
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(all.values[i], values[i], kTiny);
  EXPECT_LT(largest_difference(multiply(a, all.vectors), scaled_columns(all.vectors, all.values)),
            kTiny);
  for (std::int64_t k = 0; k <= 7; ++k) {
    const SymmetricEigen some = symmetric_eigen(a, k);
    ASSERT_EQ(some.values.size(), static_cast<std::size_t>(k));
    for (std::size_t i = 0; i < some.values.size(); ++i)
      EXPECT_NEAR(some.values[i], values[i], kTiny);
    EXPECT_LT(
        largest_difference(multiply(a, some.vectors), scaled_columns(some.vectors, some.values)),
        kTiny);
  }
  EXPECT_THROW(symmetric_eigen(a, 8), ShapeError);
}

// Eigenpairs 0 .. k - 1 of g: residuals, orthonormal vectors, values.
void expect_leading(const DenseMatrix& g, const std::vector<double>& spectrum, std::int64_t k,
                    double tolerance, double value_error) {
  const SymmetricEigen eigen = leading_eigen(g, k, {.tolerance = tolerance});
  ASSERT_EQ(eigen.values.size(), static_cast<std::size_t>(k));
  for (std::size_t i = 0; i < eigen.values.size(); ++i)
    EXPECT_NEAR(eigen.values[i], spectrum[i], value_error) << i;
  EXPECT_LT(largest_difference(self_product(eigen.vectors), identity(k)), kTiny);
  DenseMatrix errors = scaled_columns(eigen.vectors, eigen.values);
  const DenseMatrix products = multiply(g, eigen.vectors);
  for (std::size_t i = 0; i < errors.values.size(); ++i) errors.values[i] -= products.values[i];
  for (std::int64_t j = 0; j < k; ++j)
    EXPECT_LT(frobenius_norm(columns(errors, j, 1)), tolerance * spectrum[0] + kTiny) << j;
}

TEST(LeadingEigen, ReachesItsToleranceOnSlowAndFastSpectra) {
  std::vector<double> slow(400), fast(400), low_rank(400);
  for (std::size_t j = 0; j < slow.size(); ++j) {
    slow[j] = 1 / static_cast<double>(j + 1);
    fast[j] = std::pow(10, -static_cast<double>(j) / 10);
    low_rank[j] = j < 7 ? 7 - static_cast<double>(j) : 0;
  }
  for (const auto& spectrum : {slow, fast, low_rank})
    for (const double tolerance : {1e-5, 1e-10})
      // The gaps beside the 10th value are above 1e-3 of the first, or both are zero.
      expect_leading(with_spectrum(spectrum, 10), spectrum, 10, tolerance,
                     tolerance * tolerance / 1e-3 + kTiny);
}

TEST(LeadingEigen, SeesEigenvaluesRepeatedMoreOftenThanABlockHasRows) {
  std::vector<double> spectrum(500, 0.1);
  std::fill_n(spectrum.begin(), 40, 5.0);
  expect_leading(with_spectrum(spectrum, 11), spectrum, 38, 1e-10, kTiny);
}

TEST(LeadingEigen, SmallMatricesAndNoPairsAreServedToo) {
  const std::vector<double> spectrum = {3, 2, 1};
  const DenseMatrix g = with_spectrum(spectrum, 12);
  for (std::int64_t k = 0; k <= 3; ++k) expect_leading(g, spectrum, k, 1e-10, kTiny);
  EXPECT_THROW(leading_eigen(g, 4), ShapeError);
}

TEST(Dense, SvdGivesBackTheMatrix) {
  for (const auto& [m, n] : {std::pair{1, 1}, {7, 4}, {4, 7}, {64, 65}}) {
    const DenseMatrix a = gaussian_matrix({6}, m, n);
    const DenseSvd svd = dense_svd(a);
    EXPECT_LT(
        largest_difference(multiply_transposed_right(scaled_columns(svd.u, svd.sigma), svd.v), a),
        kTiny);
    EXPECT_LT(largest_difference(self_product(svd.u), identity(std::min(m, n))), kTiny);
    EXPECT_LT(largest_difference(self_product(svd.v), identity(std::min(m, n))), kTiny);
    for (std::size_t i = 1; i < svd.sigma.size(); ++i) EXPECT_GE(svd.sigma[i - 1], svd.sigma[i]);
  }
}

TEST(Dense, CholeskySaysWhenTheMatrixIsNotPositiveDefinite) {
  const DenseMatrix a = with_spectrum({4, 2, 1, 0.5}, 7);
  const auto r = cholesky(a);
  ASSERT_TRUE(r.has_value());
  EXPECT_LT(largest_difference(multiply_transposed_left(*r, *r), a), kTiny);
  EXPECT_FALSE(cholesky(with_spectrum({4, 2, 1, -0.5}, 7)).has_value());
}

TEST(Dense, TriangularSolvesUndoTheProduct) {
  const DenseMatrix r = *cholesky(with_spectrum({4, 2, 1, 0.5, 0.3}, 8));
  const DenseMatrix x = gaussian_matrix({9}, 5, 3), left = transpose(x);
  EXPECT_LT(largest_difference(solve_upper(r, multiply(r, x)), x), kTiny);
  EXPECT_LT(largest_difference(solve_upper_transposed(r, multiply_transposed_left(r, x)), x),
            kTiny);
  EXPECT_LT(largest_difference(solve_upper_right(multiply(left, r), r), left), kTiny);
}

}  // namespace
}  // namespace hadal::linalg

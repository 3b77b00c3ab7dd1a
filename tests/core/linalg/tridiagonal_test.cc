// Judged by formulas, by LAPACK's full solver and by what an eigenpair is.
#include "core/linalg/tridiagonal.h"

#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include <gtest/gtest.h>

#include "core/linalg/dense.h"
#include "core/linalg/gaussian.h"

namespace hadal::linalg {
namespace {

struct Matrix {
  std::vector<double> d, e;
  DenseMatrix full() const {
    const auto n = static_cast<std::int64_t>(d.size());
    DenseMatrix a(n, n);
    for (std::int64_t i = 0; i < n; ++i) a(i, i) = d[static_cast<std::size_t>(i)];
    for (std::int64_t i = 0; i + 1 < n; ++i)
      a(i, i + 1) = a(i + 1, i) = e[static_cast<std::size_t>(i)];
    return a;
  }
};

Matrix random(std::size_t n, std::uint64_t seed) {
  const DenseMatrix values = gaussian_matrix({seed}, static_cast<std::int64_t>(n), 2);
  Matrix t;
  for (std::size_t i = 0; i < n; ++i) {
    t.d.push_back(values(static_cast<std::int64_t>(i), 0));
    if (i + 1 < n) t.e.push_back(values(static_cast<std::int64_t>(i), 1));
  }
  return t;
}

/// |A v - lambda v| and |V V^T - I|, entry by entry.
void expect_eigenpairs(const Matrix& t, const TridiagonalEigen& eigen, double scale) {
  DenseMatrix errors = multiply(eigen.vectors, t.full());
  for (std::int64_t i = 0; i < errors.rows; ++i)
    for (std::int64_t j = 0; j < errors.cols; ++j)
      EXPECT_NEAR(errors(i, j), eigen.values[static_cast<std::size_t>(i)] * eigen.vectors(i, j),
                  1e-13 * scale);
  const DenseMatrix products = multiply_transposed_right(eigen.vectors, eigen.vectors);
  for (std::int64_t i = 0; i < products.rows; ++i)
    for (std::int64_t j = 0; j < products.cols; ++j)
      EXPECT_NEAR(products(i, j), i == j ? 1 : 0, 1e-14);
}

// Second differences: 2 - 2 cos(pi j / (n + 1)). Where 3 is one of them, pivots vanish.
TEST(Tridiagonal, ValuesAreThoseOfTheFormula) {
  for (const std::size_t n : {1u, 2u, 3u, 8u, 9u, 100u, 401u}) {
    const Matrix t{std::vector<double>(n, 2.0), std::vector<double>(n - 1, -1.0)};
    for (const std::size_t k : {std::size_t{1}, (n + 1) / 2, n}) {
      const auto eigen = leading_tridiagonal(t.d, t.e, static_cast<std::int64_t>(k));
      ASSERT_TRUE(eigen.has_value()) << n << ", " << k;
      for (std::size_t j = 0; j < k; ++j)
        EXPECT_NEAR(eigen->values[j],
                    2 - 2 * std::cos(std::numbers::pi * static_cast<double>(n - j) /
                                     static_cast<double>(n + 1)),
                    4e-15);
      expect_eigenpairs(t, *eigen, 4);
    }
  }
}

TEST(Tridiagonal, OfRandomMatricesItAgreesWithTheFullSolver) {
  for (const std::uint64_t seed : {1, 2, 3, 4, 5, 6, 7, 8}) {
    const Matrix t = random(20 * seed, seed);
    const std::int64_t k = 3 * static_cast<std::int64_t>(seed);
    const auto eigen = leading_tridiagonal(t.d, t.e, k);
    ASSERT_TRUE(eigen.has_value()) << seed;
    const SymmetricEigen all = symmetric_eigen(t.full());
    for (std::size_t i = 0; i < eigen->values.size(); ++i)
      EXPECT_NEAR(eigen->values[i], all.values[i], 1e-14 * all.values[0]);
    expect_eigenpairs(t, *eigen, all.values[0]);
  }
}

TEST(Tridiagonal, SmallEigenvaluesBesideLargeOnesAreRightToRoundingOfTheLargest) {
  Matrix t = random(60, 9);
  for (std::size_t i = 0; i < 60; ++i) {
    t.d[i] *= std::pow(10.0, -static_cast<double>(i) / 10);
    if (i < 59) t.e[i] *= std::pow(10.0, -static_cast<double>(i) / 10 - 1);
  }
  const auto eigen = leading_tridiagonal(t.d, t.e, 20);
  ASSERT_TRUE(eigen.has_value());
  expect_eigenpairs(t, *eigen, std::abs(eigen->values[0]));
}

TEST(Tridiagonal, WhatItCannotTellApartItLeaves) {
  const std::vector<double> same(12, 3.0), none(11, 0.0);
  EXPECT_FALSE(leading_tridiagonal(same, none, 2).has_value());
  EXPECT_FALSE(leading_tridiagonal(std::vector<double>(12, 0.0), none, 2).has_value());
  // Wilkinson's W+_101: its largest eigenvalues come in pairs that agree to all digits.
  Matrix pairs{{}, std::vector<double>(100, 1.0)};
  for (int i = -50; i <= 50; ++i) pairs.d.push_back(std::abs(i));
  EXPECT_FALSE(leading_tridiagonal(pairs.d, pairs.e, 4).has_value());
  // One of each kind can be told.
  const std::vector<double> distinct = {4, 1, 3, 2};
  const auto diagonal = leading_tridiagonal(distinct, std::vector<double>(3, 0.0), 4);
  ASSERT_TRUE(diagonal.has_value());
  EXPECT_EQ(diagonal->values.size(), 4u);
  expect_eigenpairs({distinct, std::vector<double>(3, 0.0)}, *diagonal, 4);
}

TEST(Tridiagonal, WhatIsNotFiniteItLeaves) {
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), 1e200}) {
    Matrix t = random(10, 3);
    t.d[4] = bad;
    if (!std::isfinite(bad)) {
      EXPECT_FALSE(leading_tridiagonal(t.d, t.e, 3).has_value()) << bad;
    }
    t = random(10, 3);
    t.e[4] = bad;
    EXPECT_FALSE(leading_tridiagonal(t.d, t.e, 3).has_value()) << bad;
  }
}

// Squares of its elements would underflow or overflow: symmetric_eigen takes LAPACK's way.
TEST(Tridiagonal, WhatIsTooSmallOrTooLargeItLeaves) {
  for (const double scale : {1e-160, 1e160}) {
    Matrix t = random(10, 4);
    const SymmetricEigen unscaled = symmetric_eigen(t.full(), 3);
    for (double& d : t.d) d *= scale;
    for (double& e : t.e) e *= scale;
    EXPECT_FALSE(leading_tridiagonal(t.d, t.e, 3).has_value());
    const SymmetricEigen scaled = symmetric_eigen(t.full(), 3);
    for (std::size_t i = 0; i < 3; ++i)
      EXPECT_NEAR(scaled.values[i] / scale, unscaled.values[i], 1e-13);
  }
}

// Here symmetric_eigen takes LAPACK's way too.
TEST(Tridiagonal, RepeatedEigenvaluesOfAFullMatrixHaveOrthonormalVectorsAllTheSame) {
  DenseMatrix a = identity(30);
  for (std::int64_t i = 0; i < 10; ++i) a(i, i) = 2;
  const SymmetricEigen eigen = symmetric_eigen(a, 12);
  for (std::size_t i = 0; i < 12; ++i) EXPECT_NEAR(eigen.values[i], i < 10 ? 2 : 1, 1e-14);
  const DenseMatrix products = self_product(eigen.vectors);
  for (std::int64_t i = 0; i < 12; ++i)
    for (std::int64_t j = 0; j < 12; ++j) EXPECT_NEAR(products(i, j), i == j ? 1 : 0, 1e-14);
}

}  // namespace
}  // namespace hadal::linalg

#include "core/linalg/double_gram.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "core/linalg/dense.h"
#include "core/linalg/gaussian.h"
#include "core/linalg/lanczos.h"
#include "core/linalg/residual.h"

namespace hadal::linalg {
namespace {

TEST(DoubleGram, IsOneChainOfFusedProductsToTheLastBit) {
  for (const std::int64_t n : {1, 8, 23, 24, 25, 50})
    for (const std::int64_t rows : {1, 7, 128, 300}) {
      const DenseMatrix c = gaussian_matrix({1}, rows, n);
      // In two parts, as A and B are.
      const DenseMatrix left = columns(c, 0, n / 3), right = columns(c, n / 3, n - n / 3);
      DoubleGram gram(n);
      for (std::int64_t at = 0; at < rows; at += DoubleGram::kRows) {
        const std::int64_t some = std::min(DoubleGram::kRows, rows - at);
        gram.load(some, 0, n / 3, left.row(at).data());
        gram.load(some, n / 3, n - n / 3, right.row(at).data());
        gram.add(some);
      }
      for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t j = i; j < n; ++j) {
          double expected = 0;
          for (std::int64_t r = 0; r < rows; ++r) expected = std::fma(c(r, i), c(r, j), expected);
          EXPECT_EQ(gram.sum()[gram.index(i, j)], expected) << n << " columns, " << i << ", " << j;
        }
    }
}

TEST(Residual, GradientAndSquaresFollowTheDefinition) {
  for (const std::int64_t n : {1, 7, 8, 31, 32, 33, 100}) {
    const std::int64_t rows = 19, k = 2;
    const DenseMatrix a = gaussian_matrix({1}, rows, n), b = gaussian_matrix({2}, rows, k);
    const DenseMatrix x = gaussian_matrix({3}, k + 1, n);
    DenseMatrix gradient(k + 1, n);
    std::vector<double> squares(k + 1);
    std::vector<ResidualSums> sums;
    for (std::int64_t c = 0; c <= k; ++c)
      sums.push_back(
          {x.row(c).data(), gradient.row(c).data(), &squares[static_cast<std::size_t>(c)]});
    add_residuals(rows, n, a.values.data(), b.values.data(), k, sums);

    DenseMatrix r = multiply_transposed_right(a, x);
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t c = 0; c <= k; ++c) r(i, c) = (c < k ? b(i, c) : 0) - r(i, c);
    const DenseMatrix expected = multiply_transposed_left(r, a);
    for (std::int64_t c = 0; c <= k; ++c) {
      double square = 0;
      for (std::int64_t i = 0; i < rows; ++i) square += r(i, c) * r(i, c);
      // Sums of n and of 19 products of order n.
      EXPECT_NEAR(squares[static_cast<std::size_t>(c)], square, 1e-12 * square);
      for (std::int64_t j = 0; j < n; ++j) EXPECT_NEAR(gradient(c, j), expected(c, j), 1e-11);
    }
  }
}

TEST(Lanczos, FindsTheLargestEigenvalueAndItsVector) {
  for (const int n : {1, 2, 5, 60}) {
    const DenseMatrix q = orthonormalise(gaussian_matrix({4}, n, n));
    DenseMatrix scaled = q;
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < n; ++j) scaled(i, j) *= 1.0 / (1 + static_cast<double>(j));
    const DenseMatrix g = multiply_transposed_right(scaled, q);
    const EigenPair pair = largest_eigen(n, [&](const std::vector<double>& v) {
      DenseMatrix row(1, n);
      row.values = v;
      return multiply(row, g).values;
    });
    EXPECT_NEAR(pair.value, 1, 1e-12) << n;  // 30 steps at a gap of one half
    double cosine = 0;
    for (std::int64_t i = 0; i < n; ++i)
      cosine += pair.vector[static_cast<std::size_t>(i)] * q(i, 0);
    EXPECT_NEAR(std::abs(cosine), 1, 1e-10) << n;
  }
}

TEST(Lanczos, EndsWhereNothingIsLeft) {
  const EigenPair zero =
      largest_eigen(4, [](const std::vector<double>& v) { return std::vector<double>(v.size()); });
  EXPECT_EQ(zero.value, 0);
  const EigenPair same = largest_eigen(4, [](const std::vector<double>& v) { return v; });
  EXPECT_NEAR(same.value, 1, 1e-15);
}

}  // namespace
}  // namespace hadal::linalg

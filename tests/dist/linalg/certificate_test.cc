#include "dist/linalg/certificate.h"

#include <cmath>

#include <gtest/gtest.h>

#include "core/linalg/dense.h"
#include "core/linalg/gaussian.h"
#include "tests/dist/linalg/made_matrix.h"

namespace hadal::dist {
namespace {

using linalg::DenseMatrix;

constexpr int kMatrices = 10000;
constexpr int kProbes = 10;

struct Violations {
  int at_one_in_a_million = 0, at_one_in_ten = 0;
};

/// Counts where the bound was below |T (I - X X^T)|_2, over matrices with these singular values.
Violations violations(const std::vector<double>& sigma) {
  constexpr std::int64_t kRows = 12, kCols = 8, kBasis = 2;
  Violations found;
  for (std::uint64_t seed = 0; seed < kMatrices; ++seed) {
    const DenseMatrix t = matrix_of_spectrum(kRows, kCols, sigma, 1000 + 2 * seed);
    const DenseMatrix x =
        linalg::orthonormalise(linalg::gaussian_matrix({seed, 11}, kCols, kBasis));
    const DenseMatrix left =
        minus(t, linalg::multiply(linalg::multiply(t, x), linalg::transpose(x)));
    const double norm = linalg::dense_svd(left).sigma.front();
    const DenseMatrix w = outside_of(x, linalg::gaussian_matrix({seed, 12}, kCols, kProbes));
    const DenseMatrix products = linalg::multiply_transposed_left(t, linalg::multiply(t, w));
    found.at_one_in_a_million += residual_bound(x, products, 1e-6) < norm;
    found.at_one_in_ten += residual_bound(x, products, 0.1) < norm;
  }
  return found;
}

TEST(Certificate, QuantilesAreThoseOfTheTables) {
  EXPECT_NEAR(chi_squared_quantile(10, 0.1), 4.865, 5e-4);
  EXPECT_NEAR(chi_squared_quantile(10, 1e-6), 0.338, 5e-4);
  EXPECT_NEAR(chi_squared_quantile(20, 1e-6), 2.55, 5e-3);
}

// With one direction left the inequality is an equation: the rate is delta itself, so a bound that
// is too low or needlessly high by a few percent fails here.
TEST(Certificate, OfOneDirectionLeftIsViolatedAsOftenAsStated) {
  const Violations found = violations({1});
  EXPECT_EQ(found.at_one_in_a_million, 0);
  const double three_sigma = 3 * std::sqrt(0.1 * 0.9 / kMatrices);
  EXPECT_NEAR(static_cast<double>(found.at_one_in_ten) / kMatrices, 0.1, three_sigma);
}

TEST(Certificate, OfOtherSpectraIsViolatedLessOften) {
  const double three_sigma = 3 * std::sqrt(0.1 * 0.9 / kMatrices);
  for (const auto& sigma : {slow_spectrum(8), fast_spectrum(8), std::vector<double>(8, 1.0)}) {
    const Violations found = violations(sigma);
    EXPECT_EQ(found.at_one_in_a_million, 0);
    EXPECT_LE(static_cast<double>(found.at_one_in_ten) / kMatrices, 0.1 + three_sigma);
  }
}

TEST(Certificate, OfAWholeBasisIsZero) {
  const DenseMatrix t = matrix_of_spectrum(6, 4, slow_spectrum(4), 3);
  const DenseMatrix x = linalg::identity(4);
  const DenseMatrix w = outside_of(x, linalg::gaussian_matrix({1, 12}, 4, kProbes));
  EXPECT_EQ(residual_bound(x, linalg::multiply_transposed_left(t, linalg::multiply(t, w)), 1e-6),
            0);
}

}  // namespace
}  // namespace hadal::dist

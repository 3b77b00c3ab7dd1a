#include "dist/linalg/tsqr.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "dist/linalg/row_fold.h"
#include "dist/thread_communicator.h"
#include "tests/dist/linalg/made_matrix.h"

namespace hadal::dist {
namespace {

using linalg::DenseMatrix;
using testing::HasSubstr;

TsqrResult tsqr_of(const DenseMatrix& a, const DenseMatrix* b, int ranks = 1, int threads = 1) {
  const matrix::MemoryRows rows = rows_of(a, "a.npy");
  const matrix::MemoryRows right = b == nullptr ? rows_of(DenseMatrix()) : rows_of(*b, "b.npy");
  TsqrResult result;
  run_ranks(ranks, [&](Communicator& comm) {
    const DoubleRows a_rows(rows), b_rows(right);
    TsqrResult mine = tsqr(comm, a_rows, b == nullptr ? nullptr : &b_rows, threads);
    if (comm.rank() == 0)
      result = std::move(mine);
    else
      EXPECT_TRUE(mine.r.values.empty());
  });
  return result;
}

TEST(Tsqr, RHasTheGramMatrixOfA) {
  for (const auto& [m, n] :
       {std::pair{3000, 17}, {1024, 5}, {1025, 5}, {40, 40}, {7, 7}, {1, 1}, {9, 20}, {1, 6}}) {
    const DenseMatrix a = normal_matrix(m, n, 5);
    const TsqrResult result = tsqr_of(a, nullptr);
    ASSERT_EQ(result.r.rows, std::min(m, n));
    for (std::int64_t i = 0; i < result.r.rows; ++i)
      for (std::int64_t j = 0; j < i; ++j) EXPECT_EQ(result.r(i, j), 0.0);
    // Each of m products a^2 ~ 1 is off by eps; Householder adds a few times that per column.
    EXPECT_LT(max_difference(linalg::self_product(result.r), linalg::self_product(a)),
              10 * m * std::numeric_limits<double>::epsilon())
        << m << " x " << n;
  }
}

TEST(Tsqr, TheSameBitsOnAnyRanksAndThreads) {
  const DenseMatrix a = normal_matrix(7000, 9, 6), b = normal_matrix(7000, 2, 7);
  const TsqrResult alone = tsqr_of(a, &b);
  for (const int ranks : {1, 2, 3, 4, 8})
    for (const int threads : {1, 2}) {
      const TsqrResult spread = tsqr_of(a, &b, ranks, threads);
      EXPECT_EQ(spread.r.values, alone.r.values) << ranks << " ranks x " << threads;
      EXPECT_EQ(spread.qt_b.values, alone.qt_b.values);
      EXPECT_EQ(spread.distance, alone.distance);
    }
}

TEST(Tsqr, SmallSingularValuesSurviveThatTheGramMatrixLoses) {
  // kappa = 1e12: the eigenvalues of A^T A below 1e-16 are noise.
  const DenseMatrix a = matrix_of_spectrum(4000, 6, geometric_spectrum(6, 1e12), 8);
  const auto sigma = linalg::dense_svd(tsqr_of(a, nullptr, 3).r).sigma;
  const auto exact = geometric_spectrum(6, 1e12);
  // A itself was rounded, by eps sigma_1 sqrt(n) in all: 1e-15 absolute.
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(sigma[i], exact[i], 2e-15);
}

TEST(Tsqr, QtBAndTheDistanceSplitTheNormOfB) {
  const DenseMatrix a = normal_matrix(2500, 4, 9), b = normal_matrix(2500, 3, 10);
  const TsqrResult result = tsqr_of(a, &b, 2);
  for (std::int64_t j = 0; j < 3; ++j) {
    double inside = 0, all = 0;
    for (std::int64_t i = 0; i < 4; ++i) inside += std::pow(result.qt_b(i, j), 2);
    for (std::int64_t i = 0; i < 2500; ++i) all += std::pow(b(i, j), 2);
    EXPECT_NEAR(inside + std::pow(result.distance[static_cast<std::size_t>(j)], 2), all,
                1e-13 * all);
  }
  // R^T Q^T B = A^T B.
  EXPECT_LT(max_difference(linalg::multiply_transposed_left(result.r, result.qt_b),
                           linalg::multiply_transposed_left(a, b)),
            1e-11);
}

TEST(Tsqr, ASquareSystemAndAWideOneLeaveNoDistance) {
  for (const int n : {6, 9}) {
    const DenseMatrix a = normal_matrix(6, n, 11), b = normal_matrix(6, 2, 12);
    const TsqrResult result = tsqr_of(a, &b, 4);
    EXPECT_EQ(result.distance, (std::vector<double>{0, 0}));
    EXPECT_LT(max_difference(linalg::multiply_transposed_left(result.r, result.qt_b),
                             linalg::multiply_transposed_left(a, b)),
              1e-13);
  }
}

TEST(Tsqr, NamesTheFirstEntryThatIsNotFinite) {
  DenseMatrix a = normal_matrix(3000, 3, 13);
  a(2900, 1) = std::numeric_limits<double>::quiet_NaN();
  a(1200, 2) = std::numeric_limits<double>::infinity();
  try {
    tsqr_of(a, nullptr, 3);
    FAIL();
  } catch (const NotFiniteError& error) {
    EXPECT_THAT(error.what(), HasSubstr("a.npy: row 1,200, column 2"));
  }
}

TEST(Tsqr, ValuesWhoseSquaresOverflowAreSaidToBeTooLarge) {
  DenseMatrix a = normal_matrix(600, 2, 14);
  for (double& x : a.values) x = 1.5e308;
  try {
    tsqr_of(a, nullptr);
    FAIL();
  } catch (const NotFiniteError& error) {
    EXPECT_THAT(error.what(), HasSubstr("overflow"));
  }
}

}  // namespace
}  // namespace hadal::dist

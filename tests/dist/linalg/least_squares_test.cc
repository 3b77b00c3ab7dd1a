#include "dist/linalg/least_squares.h"

#include <cmath>
#include <limits>
#include <numbers>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "dist/thread_communicator.h"
#include "tests/dist/linalg/made_matrix.h"

namespace hadal::dist {
namespace {

using linalg::DenseMatrix;
using testing::HasSubstr;
using Way = LeastSquaresWay;

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

LeastSquaresResult solve(const matrix::RowSource& a, const matrix::RowSource& b,
                         const LeastSquaresOptions& options = {}, int ranks = 1) {
  std::vector<LeastSquaresResult> results(static_cast<std::size_t>(ranks));
  run_ranks(ranks, [&](Communicator& comm) {
    results[static_cast<std::size_t>(comm.rank())] = least_squares(comm, a, b, options);
  });
  for (const LeastSquaresResult& result : results) {
    EXPECT_EQ(result.x.values, results[0].x.values);
    EXPECT_EQ(result.reason, results[0].reason);
  }
  return results[0];
}

LeastSquaresResult solve(const DenseMatrix& a, const DenseMatrix& b,
                         const LeastSquaresOptions& options = {}, int ranks = 1) {
  return solve(rows_of(a, "a.npy"), rows_of(b, "b.npy"), options, ranks);
}

/// x for full rank, by Householder's reflections with 64 bits of mantissa.
DenseMatrix precise_solution(const DenseMatrix& a, const DenseMatrix& b) {
  using Real = long double;
  const auto m = static_cast<std::size_t>(a.rows), n = static_cast<std::size_t>(a.cols),
             k = static_cast<std::size_t>(b.cols);
  std::vector<std::vector<Real>> columns(n + k, std::vector<Real>(m));
  for (std::size_t j = 0; j < n + k; ++j)
    for (std::size_t i = 0; i < m; ++i) {
      const auto row = static_cast<std::int64_t>(i), column = static_cast<std::int64_t>(j);
      columns[j][i] = j < n ? a(row, column) : b(row, column - a.cols);
    }
  for (std::size_t p = 0; p < n; ++p) {
    Real square = 0;
    for (std::size_t i = p; i < m; ++i) square += columns[p][i] * columns[p][i];
    const Real length = std::copysign(std::sqrt(square), columns[p][p]);
    std::vector<Real> v = columns[p];
    v[p] += length;
    const Real half = length * v[p];  // |v|^2 / 2
    for (std::size_t j = p; j < n + k; ++j) {
      Real product = 0;
      for (std::size_t i = p; i < m; ++i) product += v[i] * columns[j][i];
      for (std::size_t i = p; i < m; ++i) columns[j][i] -= product / half * v[i];
    }
  }
  DenseMatrix x(a.cols, b.cols);
  for (std::size_t c = 0; c < k; ++c) {
    std::vector<Real> y(n);
    for (std::size_t i = n; i-- > 0;) {
      y[i] = columns[n + c][i];
      for (std::size_t j = i + 1; j < n; ++j) y[i] -= columns[j][i] * y[j];
      y[i] /= columns[i][i];
      x(static_cast<std::int64_t>(i), static_cast<std::int64_t>(c)) = static_cast<double>(y[i]);
    }
  }
  return x;
}

double relative_difference(const DenseMatrix& x, const DenseMatrix& expected) {
  return linalg::frobenius_norm(minus(x, expected)) / linalg::frobenius_norm(expected);
}

/// A^T (A x - b) over |A| |b|.
double normal_residual(const DenseMatrix& a, const DenseMatrix& x, const DenseMatrix& b) {
  const DenseMatrix r = minus(linalg::multiply(a, x), b);
  return linalg::frobenius_norm(linalg::multiply_transposed_left(a, r)) /
         (linalg::frobenius_norm(a) * linalg::frobenius_norm(b));
}

TEST(LeastSquares, TheResidualIsOrthogonalToTheColumnsOfA) {
  for (const Way way : {Way::kNormalEquations, Way::kOrthogonal})
    for (const auto& [m, n, k] : {std::tuple{2000, 30, 1}, {1500, 7, 3}, {50, 50, 2}, {5, 1, 1}}) {
      const DenseMatrix a = normal_matrix(m, n, 1), b = normal_matrix(m, k, 2);
      const LeastSquaresResult result = solve(a, b, {.way = way});
      EXPECT_EQ(result.way, way);
      EXPECT_EQ(result.rank, n);
      const DenseMatrix r = minus(linalg::multiply(a, result.x), b);
      for (std::int64_t j = 0; j < k; ++j)
        // The residual of a square system is rounding.
        EXPECT_NEAR(result.residual_norm[static_cast<std::size_t>(j)],
                    linalg::frobenius_norm(linalg::columns(r, j, 1)), 1e-11);
      EXPECT_LT(normal_residual(a, result.x, b), 100 * kEpsilon) << m << " x " << n;
    }
}

TEST(LeastSquares, SevenDigitsUpToAConditionOfAMillion) {
  for (const double condition : {1e0, 1e2, 1e4, 1e6}) {
    const DenseMatrix a = matrix_of_spectrum(6000, 12, geometric_spectrum(12, condition), 3);
    // One right-hand side that A nearly meets and one that it does not.
    DenseMatrix b = linalg::multiply(a, normal_matrix(12, 2, 4));
    const DenseMatrix noise = normal_matrix(6000, 2, 5);
    for (std::int64_t i = 0; i < b.rows; ++i) {
      b(i, 0) += 1e-6 * noise(i, 0);
      b(i, 1) += 0.01 * noise(i, 1);
    }
    const LeastSquaresResult result = solve(a, b);
    EXPECT_EQ(result.way, Way::kNormalEquations) << result.reason;
    EXPECT_LT(relative_difference(result.x, precise_solution(a, b)), 1e-7) << condition;
    EXPECT_LT(result.estimated_error, 1e-8);
    EXPECT_NEAR(result.condition, condition, 1e-3 * condition);
  }
}

TEST(LeastSquares, RefinementWinsBackWhatTheNormalEquationsLose) {
  // eps kappa^2 = 2e-4 without refinement; kappa eps with it.
  const DenseMatrix a = matrix_of_spectrum(4000, 8, geometric_spectrum(8, 1e6), 6);
  const DenseMatrix x = normal_matrix(8, 1, 7);
  const LeastSquaresResult result = solve(a, linalg::multiply(a, x));
  EXPECT_EQ(result.way, Way::kNormalEquations) << result.reason;
  EXPECT_GE(result.refinements, 1);
  EXPECT_LT(relative_difference(result.x, x), 1e-9);
}

TEST(LeastSquares, TheSameBitsOnAnyRanksAndThreads) {
  const DenseMatrix well = normal_matrix(9000, 9, 8), b = normal_matrix(9000, 2, 9);
  const DenseMatrix badly = matrix_of_spectrum(9000, 9, geometric_spectrum(9, 1e11), 10);
  for (const DenseMatrix* a : {&well, &badly})
    for (const bool intercept : {false, true}) {
      const LeastSquaresResult alone = solve(*a, b, {.intercept = intercept});
      for (const int ranks : {1, 2, 3, 4, 8})
        for (const int threads : {1, 2}) {
          const LeastSquaresResult spread =
              solve(*a, b, {.intercept = intercept, .threads = threads}, ranks);
          EXPECT_EQ(spread.x.values, alone.x.values) << ranks << " ranks x " << threads;
          EXPECT_EQ(spread.residual_norm, alone.residual_norm);
          EXPECT_EQ(spread.standard_errors.values, alone.standard_errors.values);
          EXPECT_EQ(spread.intercept, alone.intercept);
          EXPECT_EQ(spread.condition, alone.condition);
          EXPECT_EQ(spread.way, alone.way);
        }
    }
}

TEST(LeastSquares, BytesAndFloatsAreWorkedOnInDouble) {
  std::vector<std::uint8_t> bytes;
  std::vector<float> floats;
  DenseMatrix a(1200, 4);
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    bytes.push_back(static_cast<std::uint8_t>(random::bits({1, random::Purpose::kTest}, i)));
    floats.push_back(static_cast<float>(bytes.back()));
    a.values[i] = bytes.back();
  }
  const DenseMatrix b = normal_matrix(1200, 1, 11);
  const LeastSquaresResult expected = solve(a, b);
  EXPECT_EQ(solve(matrix::MemoryRows(bytes, 1200, 4), rows_of(b)).x.values, expected.x.values);
  EXPECT_EQ(solve(matrix::MemoryRows(floats, 1200, 4), rows_of(b)).x.values, expected.x.values);
}

TEST(LeastSquares, OfADeficientRankTheSolutionIsTheShortest) {
  // Columns 3 and 4 are exactly columns 0 and 1 + 2.
  DenseMatrix a = normal_matrix(1500, 5, 12);
  for (std::int64_t i = 0; i < a.rows; ++i) {
    a(i, 3) = a(i, 0);
    a(i, 4) = a(i, 1) + a(i, 2);
  }
  const DenseMatrix b = normal_matrix(1500, 2, 13);
  const LeastSquaresResult result = solve(a, b, {}, 3);
  EXPECT_EQ(result.way, Way::kOrthogonal);
  EXPECT_EQ(result.rank, 3);
  EXPECT_TRUE(result.standard_errors.values.empty());
  EXPECT_LT(normal_residual(a, result.x, b), 100 * kEpsilon);
  // Orthogonal to the null space: (1, 0, 0, -1, 0) and (0, 1, 1, 0, -1).
  for (std::int64_t j = 0; j < 2; ++j) {
    EXPECT_NEAR(result.x(0, j), result.x(3, j), 1e-15);
    EXPECT_NEAR(result.x(1, j) + result.x(2, j), result.x(4, j), 1e-15);
  }
}

TEST(LeastSquares, ZeroColumnsGetZeros) {
  DenseMatrix a = normal_matrix(800, 4, 14);
  for (std::int64_t i = 0; i < a.rows; ++i) a(i, 1) = 0;
  const LeastSquaresResult result = solve(a, normal_matrix(800, 1, 15));
  EXPECT_EQ(result.rank, 3);
  EXPECT_NEAR(result.x(1, 0), 0, 1e-17);
}

TEST(LeastSquares, AMatrixOfZerosHasRankZeroAndTheSolutionZero) {
  const DenseMatrix b = normal_matrix(20, 1, 16);
  const LeastSquaresResult result = solve(DenseMatrix(20, 3), b);
  EXPECT_EQ(result.rank, 0);
  EXPECT_EQ(result.x.values, std::vector<double>(3));
  EXPECT_NEAR(result.residual_norm[0], linalg::frobenius_norm(b), 1e-13);
  EXPECT_EQ(result.condition, 0);
}

TEST(LeastSquares, MoreUnknownsThanRowsAreMetExactlyByTheShortest) {
  for (const int m : {1, 5}) {
    const DenseMatrix a = normal_matrix(m, 9, 17), b = normal_matrix(m, 2, 18);
    const LeastSquaresResult result = solve(a, b, {}, 4);
    EXPECT_EQ(result.rank, m);
    EXPECT_LT(max_difference(linalg::multiply(a, result.x), b), 1e-13);
    // The shortest solution lies in the row space: x = A^T y.
    const DenseMatrix rows = linalg::orthonormalise(linalg::transpose(a));
    const DenseMatrix inside =
        linalg::multiply(rows, linalg::multiply_transposed_left(rows, result.x));
    EXPECT_LT(max_difference(inside, result.x), 1e-14);
  }
}

TEST(LeastSquares, LauchlisMatrixWhoseGramMatrixIsSingularIsSolved) {
  // [1 1 1; e 0 0; 0 e 0; 0 0 e] with e^2 < eps: A^T A rounds to all ones. x = 1 / (3 + e^2).
  const double e = 1e-9;
  DenseMatrix a(4, 3), b(4, 1);
  for (std::int64_t j = 0; j < 3; ++j) {
    a(0, j) = 1;
    a(j + 1, j) = e;
  }
  b(0, 0) = 1;
  const LeastSquaresResult result = solve(a, b);
  EXPECT_EQ(result.way, Way::kOrthogonal);
  EXPECT_EQ(result.rank, 3);
  for (const double x : result.x.values) EXPECT_NEAR(x, 1.0 / 3, 1e-7);  // kappa eps = 4e-7
  EXPECT_NEAR(result.condition, std::sqrt(3) / e, 1e-6 * std::sqrt(3) / e);
}

TEST(LeastSquares, ColumnsOfVeryDifferentLengthsDoNotHurtTheNormalEquations) {
  DenseMatrix a = normal_matrix(3000, 6, 19);
  for (std::int64_t i = 0; i < a.rows; ++i)
    for (std::int64_t j = 0; j < a.cols; ++j) a(i, j) *= std::pow(10.0, -1.5 * j);
  const DenseMatrix b = normal_matrix(3000, 1, 20);
  const LeastSquaresResult result = solve(a, b);
  EXPECT_EQ(result.way, Way::kNormalEquations) << result.reason;
  const DenseMatrix expected = precise_solution(a, b);
  for (std::size_t j = 0; j < 6; ++j)
    EXPECT_NEAR(result.x.values[j] / expected.values[j], 1, 1e-12) << j;
}

TEST(LeastSquares, AConditionTheNormalEquationsCannotDoGoesTheOrthogonalWay) {
  const DenseMatrix a = matrix_of_spectrum(3000, 8, geometric_spectrum(8, 1e10), 21);
  const DenseMatrix x = normal_matrix(8, 1, 22);
  const LeastSquaresResult result = solve(a, linalg::multiply(a, x));
  EXPECT_EQ(result.way, Way::kOrthogonal);
  EXPECT_FALSE(result.reason.empty());
  EXPECT_LT(relative_difference(result.x, x), 1e-4);  // kappa eps = 2e-6
  EXPECT_NEAR(result.condition, 1e10, 1e-4 * 1e10);
  EXPECT_THROW(solve(a, linalg::multiply(a, x), {.way = Way::kNormalEquations}), ConfigError);
}

TEST(LeastSquares, SingularValuesBelowTheCutOffAreLeftOut) {
  const DenseMatrix a = matrix_of_spectrum(1000, 4, {1, 0.5, 1e-4, 1e-5}, 23);
  const DenseMatrix b = normal_matrix(1000, 1, 24);
  EXPECT_EQ(solve(a, b).rank, 4);
  const LeastSquaresResult cut = solve(a, b, {.cutoff = 1e-3});
  EXPECT_EQ(cut.rank, 2);
  EXPECT_NEAR(cut.smallest_singular, 0.5, 1e-13);
  EXPECT_EQ(cut.cutoff, 1e-3);
  const linalg::DenseSvd svd = linalg::dense_svd(a);
  DenseMatrix y = linalg::multiply_transposed_left(linalg::columns(svd.u, 0, 2), b);
  y(0, 0) /= svd.sigma[0];
  y(1, 0) /= svd.sigma[1];
  EXPECT_LT(max_difference(cut.x, linalg::multiply(linalg::columns(svd.v, 0, 2), y)), 1e-13);
}

TEST(LeastSquares, RidgeSolvesTheSystemWithRootLambdaBelowA) {
  const DenseMatrix a = normal_matrix(700, 5, 25), b = normal_matrix(700, 2, 26);
  const double lambda = 30;
  DenseMatrix longer_a(705, 5), longer_b(705, 2);
  std::ranges::copy(a.values, longer_a.values.begin());
  std::ranges::copy(b.values, longer_b.values.begin());
  for (std::int64_t j = 0; j < 5; ++j) longer_a(700 + j, j) = std::sqrt(lambda);
  const DenseMatrix expected = solve(longer_a, longer_b).x;
  for (const Way way : {Way::kNormalEquations, Way::kOrthogonal}) {
    const LeastSquaresResult result = solve(a, b, {.ridge = lambda, .way = way}, 2);
    EXPECT_LT(max_difference(result.x, expected), 1e-14);
    const DenseMatrix r = minus(linalg::multiply(a, result.x), b);
    for (std::int64_t j = 0; j < 2; ++j)
      EXPECT_NEAR(result.residual_norm[static_cast<std::size_t>(j)],
                  linalg::frobenius_norm(linalg::columns(r, j, 1)), 1e-12);
  }
}

TEST(LeastSquares, AnInterceptIsAColumnOfOnesThatTheMeansDoNotDisturb) {
  DenseMatrix a = normal_matrix(1200, 3, 27), b = normal_matrix(1200, 1, 28);
  DenseMatrix ones(1200, 4);
  for (std::int64_t i = 0; i < 1200; ++i) {
    for (std::int64_t j = 0; j < 3; ++j) ones(i, j) = a(i, j) += 100.0 * (j + 1);
    ones(i, 3) = 1;
    b(i, 0) += 5;
  }
  const LeastSquaresResult expected = solve(ones, b);
  for (const Way way : {Way::kNormalEquations, Way::kOrthogonal}) {
    const LeastSquaresResult result = solve(a, b, {.intercept = true, .way = way}, 2);
    for (std::int64_t j = 0; j < 3; ++j) {
      // The column of ones makes the condition about 1e3.
      EXPECT_NEAR(result.x(j, 0), expected.x(j, 0), 1e-12);
      EXPECT_NEAR(result.standard_errors(j, 0), expected.standard_errors(j, 0), 1e-10);
    }
    EXPECT_NEAR(result.intercept[0], expected.x(3, 0), 1e-10);
    EXPECT_NEAR(result.intercept_standard_errors[0], expected.standard_errors(3, 0), 1e-8);
    EXPECT_NEAR(result.residual_norm[0], expected.residual_norm[0], 1e-10);
    EXPECT_LT(result.condition, 2);
  }
}

TEST(LeastSquares, WithoutAnInterceptNothingIsCentred) {
  DenseMatrix a(3, 1), b(3, 1);
  a.values = {1, 1, 1};
  b.values = {1, 2, 6};
  EXPECT_NEAR(solve(a, b).x(0, 0), 3, 1e-15);
}

TEST(LeastSquares, StandardErrorsAreThoseOfManyDrawsOfTheNoise) {
  // b = A x + noise of 0.5: over 400 draws x scatters by its standard error.
  const DenseMatrix a = normal_matrix(60, 2, 29);
  DenseMatrix b = normal_matrix(60, 400, 30);
  for (double& value : b.values) value *= 0.5;
  const LeastSquaresResult result = solve(a, b);
  for (std::int64_t j = 0; j < 2; ++j) {
    double scatter = 0, claimed = 0;
    for (std::int64_t c = 0; c < 400; ++c) {
      scatter += std::pow(result.x(j, c), 2) / 400;
      claimed += std::pow(result.standard_errors(j, c), 2) / 400;
    }
    // A variance from 400 draws scatters by sqrt(2 / 400) = 7 %.
    EXPECT_NEAR(scatter / claimed, 1, 4 * 0.07);
  }
}

TEST(LeastSquares, SaysInOneLineWhatDoesNotFit) {
  const auto complaint = [](const DenseMatrix& a, const DenseMatrix& b,
                            const LeastSquaresOptions& options = {}) -> std::string {
    try {
      solve(a, b, options, 2);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  const DenseMatrix a = normal_matrix(10, 2, 31), b = normal_matrix(10, 1, 32);
  EXPECT_THAT(complaint(a, normal_matrix(9, 1, 1)),
              HasSubstr("a.npy is 10 x 2, b.npy is 9 x 1: both need the same number of rows"));
  EXPECT_THAT(complaint(DenseMatrix(0, 2), DenseMatrix(0, 1)), HasSubstr("nothing to solve for"));
  EXPECT_THAT(complaint(a, DenseMatrix(10, 0)), HasSubstr("no right-hand side"));
  EXPECT_THAT(complaint(a, b, {.ridge = -1}), HasSubstr("ridge is -1"));
  EXPECT_THAT(complaint(a, b, {.cutoff = 2}), HasSubstr("cut-off is 2"));
  for (const bool intercept : {false, true})
    for (const Way way : {Way::kAuto, Way::kOrthogonal}) {
      DenseMatrix bad_a = a, bad_b = b;
      bad_a(7, 1) = std::numeric_limits<double>::quiet_NaN();
      bad_b(3, 0) = -std::numeric_limits<double>::infinity();
      EXPECT_THAT(complaint(bad_a, b, {.intercept = intercept, .way = way}),
                  HasSubstr("a.npy: row 7, column 1"));
      EXPECT_THAT(complaint(a, bad_b, {.intercept = intercept, .way = way}),
                  HasSubstr("b.npy: row 3, column 0"));
    }
}

}  // namespace
}  // namespace hadal::dist

// The thin SVD of a tall matrix, and what it is for: pseudo-inverse and projector.
#include "dist/linalg/pseudo_inverse.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "dist/linalg/least_squares.h"
#include "dist/linalg/projector.h"
#include "dist/linalg/tall_svd.h"
#include "dist/thread_communicator.h"
#include "tests/dist/linalg/made_matrix.h"

namespace hadal::dist {
namespace {

using linalg::DenseMatrix;
using linalg::multiply;
using linalg::transpose;
using testing::HasSubstr;

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

struct How {
  int ranks = 1;
  TallSvdOptions options{};
};

DenseMatrix pseudo_inverse_of(const DenseMatrix& a, const How& how = {}) {
  const matrix::MemoryRows rows = rows_of(a, "a.npy");
  DenseMatrix transposed(a.rows, a.cols);
  run_ranks(how.ranks, [&](Communicator& comm) {
    const TallSvd svd(comm, rows, nullptr, how.options);
    pseudo_inverse(comm, svd, [&](std::int64_t first, const DenseMatrix& columns) {
      std::ranges::copy(columns.values, transposed.row(first).begin());
    });
  });
  return transpose(transposed);
}

struct Projected {
  DenseMatrix inside;
  Distances distances;
};

Projected project_onto(const DenseMatrix& a, const DenseMatrix& b, const How& how = {}) {
  const matrix::MemoryRows a_rows = rows_of(a, "a.npy"), b_rows = rows_of(b, "b.npy");
  Projected result{DenseMatrix(b.rows, b.cols), {}};
  run_ranks(how.ranks, [&](Communicator& comm) {
    const TallSvd svd(comm, a_rows, &b_rows, how.options);
    const Distances distances =
        project(comm, svd, [&](std::int64_t first, const DenseMatrix& rows) {
          std::ranges::copy(rows.values, result.inside.row(first).begin());
        });
    if (comm.rank() == comm.size() - 1) result.distances = distances;
  });
  return result;
}

DenseMatrix projector_of(const DenseMatrix& a, const How& how = {}) {
  const matrix::MemoryRows rows = rows_of(a, "a.npy");
  DenseMatrix p(a.rows, a.rows);
  run_ranks(how.ranks, [&](Communicator& comm) {
    const TallSvd svd(comm, rows, nullptr, how.options);
    projector_rows(comm, svd, [&](std::int64_t first, const DenseMatrix& some) {
      std::ranges::copy(some.values, p.row(first).begin());
    });
  });
  return p;
}

/// The largest of the four residuals, each relative to the norm of its term.
double penrose_residual(const DenseMatrix& a, const DenseMatrix& x) {
  using linalg::frobenius_norm;
  const DenseMatrix ax = multiply(a, x), xa = multiply(x, a);
  double worst = frobenius_norm(minus(multiply(ax, a), a)) / frobenius_norm(a);
  worst = std::max(worst, frobenius_norm(minus(multiply(xa, x), x)) / frobenius_norm(x));
  worst = std::max(worst, frobenius_norm(minus(transpose(ax), ax)) / frobenius_norm(ax));
  return std::max(worst, frobenius_norm(minus(transpose(xa), xa)) / frobenius_norm(xa));
}

DenseMatrix with_dependent_columns(std::int64_t m) {
  DenseMatrix a = normal_matrix(m, 5, 40);
  for (std::int64_t i = 0; i < m; ++i) {
    a(i, 3) = 2 * a(i, 0) - a(i, 1);
    a(i, 4) = 0;
  }
  return a;
}

DenseMatrix graded(std::int64_t m, std::int64_t n) {
  DenseMatrix a = normal_matrix(m, n, 41);
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j) a(i, j) *= std::pow(10.0, -1.0 * j);
  return a;
}

DenseMatrix lauchli(double e) {
  DenseMatrix a(4, 3);
  for (std::int64_t j = 0; j < 3; ++j) {
    a(0, j) = 1;
    a(j + 1, j) = e;
  }
  return a;
}

TEST(TallSvd, IsTheSvdWithUOrthonormalAtAnyCondition) {
  for (const double condition : {1e0, 1e5, 1e10}) {
    const auto spectrum = geometric_spectrum(9, condition);
    const DenseMatrix a = matrix_of_spectrum(3000, 9, spectrum, 42);
    const matrix::MemoryRows rows = rows_of(a);
    run_ranks(1, [&](Communicator& comm) {
      const TallSvd svd(comm, rows, nullptr);
      DenseMatrix u(3000, 9);
      svd.fold(
          comm, 0,
          [&](int, std::int64_t first, const DenseMatrix& y, const double*, std::span<double>) {
            std::ranges::copy(multiply(y, svd.t()).values, u.row(first).begin());
          });
      EXPECT_LT(max_difference(linalg::self_product(u), linalg::identity(9)), 50 * kEpsilon);
      EXPECT_LT(max_difference(linalg::self_product(svd.v()), linalg::identity(9)), 50 * kEpsilon);
      for (std::size_t i = 0; i < 9; ++i) EXPECT_NEAR(svd.sigma()[i], spectrum[i], 20 * kEpsilon);
      DenseMatrix us = u;
      for (std::int64_t i = 0; i < us.rows; ++i)
        for (std::int64_t j = 0; j < 9; ++j) us(i, j) *= svd.sigma()[static_cast<std::size_t>(j)];
      EXPECT_LT(max_difference(linalg::multiply_transposed_right(us, svd.v()), a), 50 * kEpsilon);
    });
  }
}

TEST(PseudoInverse, MeetsTheFourConditionsOfPenrose) {
  for (const auto& [m, n] : {std::pair{1500, 6}, {9, 9}, {4, 11}, {1, 5}, {7, 1}, {1, 1}}) {
    const DenseMatrix a = normal_matrix(m, n, 43);
    // Random square matrices have a condition of some hundreds.
    EXPECT_LT(penrose_residual(a, pseudo_inverse_of(a, {.ranks = 2})), 1e-12) << m << " x " << n;
  }
}

TEST(PseudoInverse, MeetsThemWhereAIsHard) {
  // eps kappa, with room for the constants of a few products.
  EXPECT_LT(
      penrose_residual(with_dependent_columns(900), pseudo_inverse_of(with_dependent_columns(900))),
      1e-13);
  EXPECT_LT(penrose_residual(graded(1200, 7), pseudo_inverse_of(graded(1200, 7))),
            1e6 * 50 * kEpsilon);
  EXPECT_LT(penrose_residual(lauchli(1e-9), pseudo_inverse_of(lauchli(1e-9))), 1e9 * 50 * kEpsilon);
  const DenseMatrix ill = matrix_of_spectrum(2000, 6, geometric_spectrum(6, 1e8), 44);
  EXPECT_LT(penrose_residual(ill, pseudo_inverse_of(ill)), 1e8 * 50 * kEpsilon);
}

TEST(PseudoInverse, InvertsSigmaWhereTheSlipVSUtWouldGiveTheTranspose) {
  DenseMatrix a(3, 2);
  a(0, 0) = 4;
  a(1, 1) = 0.5;
  const DenseMatrix x = pseudo_inverse_of(a);
  DenseMatrix expected(2, 3);
  expected(0, 0) = 0.25;
  expected(1, 1) = 2;
  EXPECT_LT(max_difference(x, expected), 4 * kEpsilon);
  EXPECT_GT(max_difference(x, transpose(a)), 1);
}

TEST(PseudoInverse, TimesBIsTheShortestLeastSquaresSolution) {
  const DenseMatrix a = with_dependent_columns(1300), b = normal_matrix(1300, 2, 45);
  const DenseMatrix x = multiply(pseudo_inverse_of(a, {.ranks = 3}), b);
  const matrix::MemoryRows a_rows = rows_of(a), b_rows = rows_of(b);
  run_ranks(1, [&](Communicator& comm) {
    EXPECT_LT(max_difference(x, least_squares(comm, a_rows, b_rows).x), 1e-14);
  });
}

TEST(PseudoInverse, OfZerosIsZerosAndTheCutOffDecidesTheRank) {
  EXPECT_EQ(pseudo_inverse_of(DenseMatrix(20, 3), {.ranks = 2}).values, std::vector<double>(60));
  const DenseMatrix a = matrix_of_spectrum(500, 3, {1, 0.1, 1e-4}, 46);
  EXPECT_GT(linalg::frobenius_norm(pseudo_inverse_of(a)), 9e3);
  const DenseMatrix cut = pseudo_inverse_of(a, {.options = {.cutoff = 1e-3}});
  EXPECT_NEAR(linalg::frobenius_norm(cut), std::hypot(1, 10), 1e-11);
}

TEST(Projector, IsIdempotentSymmetricAndKeepsTheColumnsOfA) {
  for (const DenseMatrix& a :
       {normal_matrix(300, 6, 47), with_dependent_columns(300), graded(300, 7), lauchli(1e-9)}) {
    const DenseMatrix p = projector_of(a, {.ranks = 2});
    EXPECT_EQ(transpose(p).values, p.values);
    EXPECT_LT(max_difference(multiply(p, p), p), 50 * kEpsilon);
    EXPECT_LT(max_difference(multiply(p, a), a), 200 * kEpsilon);
    double trace = 0;
    for (std::int64_t i = 0; i < p.rows; ++i) trace += p(i, i);
    EXPECT_NEAR(trace, std::round(trace), 1e-13);  // the rank
  }
}

TEST(Projector, IsATimesItsPseudoInverse) {
  const DenseMatrix a = normal_matrix(200, 5, 48);
  EXPECT_LT(max_difference(projector_of(a), multiply(a, pseudo_inverse_of(a))), 1e-14);
}

TEST(Projector, OntoAllOfTheSpaceIsTheIdentityAndOntoNothingZero) {
  EXPECT_LT(max_difference(projector_of(normal_matrix(6, 9, 49)), linalg::identity(6)), 1e-13);
  EXPECT_EQ(projector_of(DenseMatrix(5, 2)).values, std::vector<double>(25));
}

TEST(Projector, TheNearestPointHasADistanceByPythagoras) {
  const DenseMatrix a = normal_matrix(2500, 8, 50), b = normal_matrix(2500, 3, 51);
  const Projected result = project_onto(a, b, {.ranks = 3});
  const DenseMatrix outside = minus(b, result.inside);
  // b - P b is orthogonal to every column of A.
  EXPECT_LT(linalg::frobenius_norm(linalg::multiply_transposed_left(a, outside)), 1e-11);
  for (std::size_t j = 0; j < 3; ++j) {
    const Distances& d = result.distances;
    EXPECT_NEAR(std::hypot(d.inside[j], d.distance[j]), d.norm[j], 1e-13 * d.norm[j]);
    EXPECT_NEAR(d.distance[j],
                linalg::frobenius_norm(linalg::columns(outside, static_cast<std::int64_t>(j), 1)),
                1e-12);
  }
  // v = P b + anything of the space is further away.
  DenseMatrix v = result.inside;
  const DenseMatrix step = multiply(a, normal_matrix(8, 3, 52));
  for (std::size_t i = 0; i < v.values.size(); ++i) v.values[i] += step.values[i];
  const double further = linalg::frobenius_norm(minus(v, b));
  EXPECT_NEAR(further, std::hypot(linalg::frobenius_norm(outside), linalg::frobenius_norm(step)),
              1e-11 * further);
}

TEST(Projector, PointsOfTheSpaceHaveNoDistanceAlsoWhereAIsIllConditioned) {
  const DenseMatrix a = matrix_of_spectrum(1500, 6, geometric_spectrum(6, 1e9), 53);
  const Projected result = project_onto(a, a, {.ranks = 2});
  EXPECT_LT(max_difference(result.inside, a), 20 * kEpsilon);
  for (const double distance : result.distances.distance) EXPECT_LT(distance, 100 * kEpsilon);
}

TEST(PseudoInverseAndProjector, TheSameBitsOnAnyRanksAndThreads) {
  const DenseMatrix a = graded(5000, 5), b = normal_matrix(5000, 2, 54);
  const DenseMatrix inverse = pseudo_inverse_of(a);
  const Projected projected = project_onto(a, b);
  const DenseMatrix small = normal_matrix(1100, 4, 55);
  const DenseMatrix p = projector_of(small);
  for (const int ranks : {1, 2, 3, 4, 8})
    for (const int threads : {1, 2}) {
      const How how{.ranks = ranks, .options = {.threads = threads}};
      EXPECT_EQ(pseudo_inverse_of(a, how).values, inverse.values) << ranks << " x " << threads;
      const Projected again = project_onto(a, b, how);
      EXPECT_EQ(again.inside.values, projected.inside.values);
      EXPECT_EQ(again.distances.distance, projected.distances.distance);
      EXPECT_EQ(projector_of(small, how).values, p.values);
    }
}

TEST(PseudoInverseAndProjector, SayInOneLineWhatDoesNotFit) {
  const auto complaint = [](const std::function<void()>& action) -> std::string {
    try {
      action();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(complaint([] { pseudo_inverse_of(DenseMatrix(0, 4)); }),
              HasSubstr("a.npy: a matrix of 0 x 4 has no column space"));
  EXPECT_THAT(complaint([] { project_onto(normal_matrix(5, 2, 1), normal_matrix(6, 1, 1)); }),
              HasSubstr("a.npy has 5 rows, b.npy has 6"));
  EXPECT_THAT(
      complaint([] { pseudo_inverse_of(normal_matrix(5, 2, 1), {.options = {.cutoff = -1}}); }),
      HasSubstr("cut-off is -1"));
  DenseMatrix bad = normal_matrix(50, 2, 1);
  bad(31, 1) = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(complaint([&] { pseudo_inverse_of(bad, {.ranks = 2}); }),
              HasSubstr("a.npy: row 31, column 1"));
  EXPECT_THAT(complaint([&] { project_onto(normal_matrix(50, 2, 1), bad, {.ranks = 2}); }),
              HasSubstr("b.npy: row 31, column 1"));
  const auto too_large = [] {
    const matrix::MemoryRows rows = rows_of(DenseMatrix(kMaxProjectorRows + 1, 1));
    run_ranks(1, [&](Communicator& comm) {
      projector_rows(comm, TallSvd(comm, rows, nullptr), [](std::int64_t, const DenseMatrix&) {});
    });
  };
  EXPECT_THAT(complaint(too_large), HasSubstr("at most 20,000 rows"));
}

}  // namespace
}  // namespace hadal::dist

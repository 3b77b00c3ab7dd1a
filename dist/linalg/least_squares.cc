#include "dist/linalg/least_squares.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "core/linalg/dense.h"
#include "dist/linalg/normal_equations.h"
#include "dist/linalg/row_fold.h"
#include "dist/linalg/tsqr.h"

namespace hadal::dist {
namespace {

using linalg::DenseMatrix;

void check(const matrix::RowSource& a, const matrix::RowSource& b, const LeastSquaresOptions& o) {
  const auto shape = [](const matrix::RowSource& s) {
    return fmt::format("{} is {} x {}", s.name(), format_count(s.rows()), format_count(s.cols()));
  };
  if (a.rows() == 0 || a.cols() == 0)
    throw ShapeError(fmt::format("least squares: {}: nothing to solve for", shape(a)));
  if (b.cols() == 0)
    throw ShapeError(fmt::format("least squares: {}: no right-hand side", shape(b)));
  if (a.rows() != b.rows())
    throw ShapeError(fmt::format("least squares: {}, {}: both need the same number of rows",
                                 shape(a), shape(b)));
  if (!(o.ridge >= 0) || !std::isfinite(o.ridge))
    throw ConfigError(fmt::format("least squares: ridge is {}, wanted zero or more", o.ridge));
  if (o.cutoff && !(*o.cutoff >= 0 && *o.cutoff < 1))
    throw ConfigError(
        fmt::format("least squares: cut-off is {}, wanted at least 0 and below 1, "
                    "relative to the largest singular value",
                    *o.cutoff));
  if (o.way == LeastSquaresWay::kNormalEquations && a.rows() < a.cols())
    throw ConfigError(
        fmt::format("least squares: {}: the normal equations want at least as many "
                    "rows as columns; take the orthogonal way",
                    shape(a)));
}

/// On every rank.
std::vector<double> column_means(Communicator& comm, const DoubleRows& rows, int threads) {
  const std::int64_t n = rows.cols();
  std::vector<std::vector<double>> buffers(static_cast<std::size_t>(threads));
  FoldSteps steps;
  steps.length = static_cast<std::size_t>(n);
  steps.leaf = [&](int thread, std::int64_t first, std::int64_t count, std::span<double> node) {
    const double* row = rows.tile(first, count, buffers[static_cast<std::size_t>(thread)]);
    for (std::int64_t i = 0; i < count; ++i, row += n)
      for (std::int64_t j = 0; j < n; ++j) node[static_cast<std::size_t>(j)] += row[j];
  };
  std::vector<double> means =
      fold_leaves(comm, {.rows = rows.rows(), .rows_per_leaf = 256}, threads, steps);
  means.resize(static_cast<std::size_t>(n));
  for (double& mean : means) mean /= static_cast<double>(rows.rows());
  broadcast(comm, means);
  if (!std::ranges::all_of(means, [](double x) { return std::isfinite(x); }))
    require_finite(comm, rows, threads);
  return means;
}

/// V diag(1 / sigma) for the first `rank` columns of V.
DenseMatrix divided_columns(const DenseMatrix& v, const std::vector<double>& sigma, int rank) {
  DenseMatrix scaled = linalg::columns(v, 0, rank);
  for (std::int64_t i = 0; i < scaled.rows; ++i)
    for (std::int64_t j = 0; j < rank; ++j) scaled(i, j) /= sigma[static_cast<std::size_t>(j)];
  return scaled;
}

/// Of the SVD of R, on rank 0.
LeastSquaresSolution solve_by_svd(const LeastSquaresProblem& p, const TsqrResult& qr) {
  const linalg::DenseSvd svd = linalg::dense_svd(qr.r);
  LeastSquaresSolution s;
  const double least = p.cutoff * svd.sigma[0];
  s.rank = static_cast<int>(std::ranges::count_if(svd.sigma, [&](double x) { return x > least; }));
  s.largest_singular = svd.sigma[0];
  s.smallest_singular = s.rank == 0 ? 0 : svd.sigma[static_cast<std::size_t>(s.rank - 1)];

  DenseMatrix y = linalg::multiply_transposed_left(linalg::columns(svd.u, 0, s.rank), qr.qt_b);
  for (std::int64_t i = 0; i < s.rank; ++i) {
    const double sigma = svd.sigma[static_cast<std::size_t>(i)];
    for (double& value : y.row(i)) value /= sigma + p.ridge / sigma;
  }
  s.x = linalg::multiply(linalg::columns(svd.v, 0, s.rank), y);
  if (s.rank == 0) s.x = DenseMatrix(p.a.cols(), p.b.cols());
  if (p.ridge == 0) s.factor = divided_columns(svd.v, svd.sigma, s.rank);

  const DenseMatrix fitted = linalg::multiply(qr.r, s.x);
  for (std::int64_t j = 0; j < p.b.cols(); ++j) {
    double residual = qr.distance[static_cast<std::size_t>(j)], whole = residual;
    for (std::int64_t i = 0; i < fitted.rows; ++i) {
      residual = std::hypot(residual, qr.qt_b(i, j) - fitted(i, j));
      whole = std::hypot(whole, qr.qt_b(i, j));
    }
    s.residual_norm.push_back(residual);
    s.b_norm.push_back(whole);
  }
  return s;
}

void add_standard_errors(const LeastSquaresProblem& p, const LeastSquaresSolution& s,
                         const std::vector<double>& mean_a, LeastSquaresResult& result) {
  const std::int64_t n = p.a.cols(), k = p.b.cols();
  const std::int64_t freedom = p.a.rows() - n - (mean_a.empty() ? 0 : 1);
  if (p.ridge != 0 || s.rank != n || freedom <= 0) return;
  result.standard_errors = DenseMatrix(n, k);
  DenseMatrix mean(1, static_cast<std::int64_t>(mean_a.size()));
  mean.values = mean_a;
  const double mean_part =
      mean_a.empty() ? 0 : linalg::frobenius_norm(linalg::multiply(mean, s.factor));
  for (std::int64_t c = 0; c < k; ++c) {
    const double noise =
        s.residual_norm[static_cast<std::size_t>(c)] / std::sqrt(static_cast<double>(freedom));
    for (std::int64_t j = 0; j < n; ++j) {
      double length = 0;
      for (const double f : s.factor.row(j)) length = std::hypot(length, f);
      result.standard_errors(j, c) = noise * length;
    }
    if (!mean_a.empty())
      result.intercept_standard_errors.push_back(
          noise * std::hypot(mean_part, 1 / std::sqrt(static_cast<double>(p.a.rows()))));
  }
}

/// From the solution on rank 0; `mean_a` and `mean_b` are empty without an intercept.
LeastSquaresResult as_result(const LeastSquaresProblem& p, LeastSquaresSolution s,
                             const std::vector<double>& mean_a, const std::vector<double>& mean_b) {
  LeastSquaresResult result;
  add_standard_errors(p, s, mean_a, result);
  for (std::size_t c = 0; c < mean_b.size(); ++c) {
    double product = 0;
    for (std::size_t j = 0; j < mean_a.size(); ++j)
      product += mean_a[j] * s.x(static_cast<std::int64_t>(j), static_cast<std::int64_t>(c));
    result.intercept.push_back(mean_b[c] - product);
  }
  result.x = std::move(s.x);
  result.residual_norm = std::move(s.residual_norm);
  result.b_norm = std::move(s.b_norm);
  result.rank = s.rank;
  result.largest_singular = s.largest_singular;
  result.smallest_singular = s.smallest_singular;
  result.condition = s.rank == 0 ? 0 : s.largest_singular / s.smallest_singular;
  result.estimated_error = s.estimated_error;
  return result;
}

void share(Communicator& comm, std::vector<double>& values) {
  auto size = static_cast<double>(values.size());
  broadcast(comm, std::span(&size, 1));
  values.resize(static_cast<std::size_t>(size));
  broadcast(comm, values);
}

void share(Communicator& comm, DenseMatrix& m) {
  std::vector<double> shape{static_cast<double>(m.rows), static_cast<double>(m.cols)};
  share(comm, shape);
  m.rows = static_cast<std::int64_t>(shape[0]);
  m.cols = static_cast<std::int64_t>(shape[1]);
  share(comm, m.values);
}

/// Rank 0's numbers everywhere.
void share(Communicator& comm, LeastSquaresResult& r) {
  share(comm, r.x);
  share(comm, r.standard_errors);
  for (auto* values : {&r.intercept, &r.residual_norm, &r.b_norm, &r.intercept_standard_errors})
    share(comm, *values);
  std::vector<double> scalars{static_cast<double>(r.rank), r.largest_singular, r.smallest_singular,
                              r.condition, r.estimated_error};
  share(comm, scalars);
  r.rank = static_cast<int>(scalars[0]);
  r.largest_singular = scalars[1];
  r.smallest_singular = scalars[2];
  r.condition = scalars[3];
  r.estimated_error = scalars[4];
  std::vector<std::byte> text(r.reason.size());
  std::ranges::transform(r.reason, text.begin(), [](char c) { return static_cast<std::byte>(c); });
  const auto parts = comm.all_gather(text);
  r.reason.clear();
  for (const std::byte c : parts[0]) r.reason += static_cast<char>(c);
}

}  // namespace

LeastSquaresResult least_squares(Communicator& comm, const matrix::RowSource& a,
                                 const matrix::RowSource& b, const LeastSquaresOptions& options) {
  check(a, b, options);
  DoubleRows a_rows(a), b_rows(b);
  std::vector<double> mean_a, mean_b;
  int passes = 0;
  if (options.intercept) {
    a_rows.set_shift(mean_a = column_means(comm, a_rows, options.threads));
    b_rows.set_shift(mean_b = column_means(comm, b_rows, options.threads));
    ++passes;
  }
  const double default_cutoff =
      static_cast<double>(std::max(a.rows(), a.cols())) * std::numeric_limits<double>::epsilon();
  const LeastSquaresProblem problem{
      comm,           a_rows, b_rows, options.ridge, options.cutoff.value_or(default_cutoff),
      options.threads};

  NormalEquationsOutcome fast;
  if (options.way == LeastSquaresWay::kOrthogonal)
    fast.reason = "asked for";
  else if (a.rows() < a.cols())
    fast.reason = "fewer rows than columns";
  else
    fast = solve_normal_equations(problem);
  passes += fast.passes;

  LeastSquaresSolution solution;
  if (fast.solved) {
    solution = std::move(fast.solution);
  } else {
    if (options.way == LeastSquaresWay::kNormalEquations) {
      const auto reasons = comm.all_gather(fast.reason);
      throw ConfigError(
          fmt::format("least squares: {}: the normal equations do not do: {}; take "
                      "the orthogonal way",
                      a.name(), reasons[0]));
    }
    const TsqrResult qr = tsqr(comm, a_rows, &b_rows, options.threads);
    if (comm.rank() == 0) solution = solve_by_svd(problem, qr);
    ++passes;
  }

  LeastSquaresResult result;
  if (comm.rank() == 0) result = as_result(problem, std::move(solution), mean_a, mean_b);
  result.reason =
      fast.solved ? fmt::format("{} refinements converged", fast.refinements) : fast.reason;
  share(comm, result);
  result.way = fast.solved ? LeastSquaresWay::kNormalEquations : LeastSquaresWay::kOrthogonal;
  result.cutoff = problem.cutoff;
  result.refinements = fast.refinements;
  result.passes = passes;
  return result;
}

}  // namespace hadal::dist

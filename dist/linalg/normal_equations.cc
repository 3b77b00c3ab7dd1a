#include "dist/linalg/normal_equations.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "core/linalg/dense.h"
#include "core/linalg/double_gram.h"
#include "core/linalg/lanczos.h"
#include "core/linalg/residual.h"
#include "dist/linalg/row_fold.h"
#include "dist/linalg/tsqr.h"

namespace hadal::dist {
namespace {

using linalg::DenseMatrix;
using linalg::DoubleGram;

// Refinement ends when the error left, as the rate of convergence tells it, is below kEnough; when
// it converges no further, what it reached must be below kAcceptable, else the other way is taken.
constexpr double kEnough = 1e-13;
constexpr double kAcceptable = 1e-9;
constexpr double kSlow = 0.3;  // a rate above this is no convergence
constexpr int kMaxRefinements = 12;
// A smallest singular value estimated below this many cut-offs is left to the SVD to judge.
constexpr double kNearCutoff = 100;

double norm(std::span<const double> v) {
  double sum = 0;
  for (const double x : v) sum = std::hypot(sum, x);
  return sum;
}

/// [A B]^T [A B]: upper triangle, on rank 0.
DenseMatrix joined_gram(const LeastSquaresProblem& p) {
  const std::int64_t n = p.a.cols(), k = p.b.cols();
  struct Scratch {
    DoubleGram gram;
    std::vector<double> a, b;
  };
  std::vector<Scratch> scratch;
  for (int t = 0; t < p.threads; ++t) scratch.push_back({DoubleGram(n + k), {}, {}});
  FoldSteps steps;
  steps.length = scratch[0].gram.size();
  steps.leaf = [&](int thread, std::int64_t first, std::int64_t count, std::span<double> node) {
    Scratch& s = scratch[static_cast<std::size_t>(thread)];
    for (std::int64_t at = 0; at < count; at += DoubleGram::kRows) {
      const std::int64_t rows = std::min(DoubleGram::kRows, count - at);
      s.gram.load(rows, 0, n, p.a.tile(first + at, rows, s.a));
      s.gram.load(rows, n, k, p.b.tile(first + at, rows, s.b));
      s.gram.add(rows);
    }
    std::ranges::copy(s.gram.sum(), node.begin());
    s.gram.clear();
  };
  const std::vector<double> sum = fold_leaves(
      p.comm, {.rows = p.a.rows(), .rows_per_leaf = rows_per_leaf(n + k)}, p.threads, steps);
  if (p.comm.rank() != 0) return {};
  DenseMatrix g(n + k, n + k);
  for (std::int64_t i = 0; i < n + k; ++i)
    for (std::int64_t j = i; j < n + k; ++j) g(i, j) = sum[scratch[0].gram.index(i, j)];
  return g;
}

struct Residuals {
  DenseMatrix gradient;         // row j is A^T (b_j - A x_j)
  std::vector<double> squares;  // |b_j - A x_j|^2
};

/// For the rows of `x`, one a right-hand side; b_j is zero for rows beyond those. On rank 0.
Residuals residuals(const LeastSquaresProblem& p, const DenseMatrix& x) {
  constexpr std::int64_t kRows = 256;
  const std::int64_t n = p.a.cols(), k = x.rows;
  struct Scratch {
    std::vector<double> a, b;
  };
  std::vector<Scratch> scratch(static_cast<std::size_t>(p.threads));
  FoldSteps steps;
  steps.length = static_cast<std::size_t>(k * n + k);
  steps.leaf = [&](int thread, std::int64_t first, std::int64_t count, std::span<double> node) {
    Scratch& s = scratch[static_cast<std::size_t>(thread)];
    std::vector<linalg::ResidualSums> sums;
    for (std::int64_t j = 0; j < k; ++j)
      sums.push_back({x.row(j).data(), node.data() + j * n, node.data() + k * n + j});
    for (std::int64_t at = 0; at < count; at += kRows) {
      const std::int64_t rows = std::min(kRows, count - at);
      linalg::add_residuals(rows, n, p.a.tile(first + at, rows, s.a),
                            p.b.tile(first + at, rows, s.b), p.b.cols(), sums);
    }
  };
  const std::vector<double> sum = fold_leaves(
      p.comm, {.rows = p.a.rows(), .rows_per_leaf = rows_per_leaf(n)}, p.threads, steps);
  if (p.comm.rank() != 0) return {};
  Residuals result{DenseMatrix(k, n), {sum.end() - k, sum.end()}};
  std::copy_n(sum.begin(), k * n, result.gradient.values.begin());
  return result;
}

/// (A^T A + lambda I)^-1 through R^T R = D^-1 (A^T A + lambda I) D^-1, D making the diagonal one.
class ScaledCholesky {
 public:
  /// `gram`: upper triangle in its first n columns. Nothing when it is not positive definite.
  static std::optional<ScaledCholesky> of(const DenseMatrix& gram, std::int64_t n, double ridge) {
    ScaledCholesky s;
    for (std::int64_t j = 0; j < n; ++j) s.scale_.push_back(std::sqrt(gram(j, j) + ridge));
    const auto usable = [](double d) { return d > 0 && std::isfinite(1 / d); };
    if (!std::ranges::all_of(s.scale_, usable)) return std::nullopt;
    DenseMatrix scaled(n, n);
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = i; j < n; ++j)
        scaled(i, j) = (gram(i, j) + (i == j ? ridge : 0)) / s.d(i) / s.d(j);
    auto r = linalg::cholesky(scaled);
    if (!r) return std::nullopt;
    s.r_ = std::move(*r);
    return s;
  }

  /// X of (A^T A + lambda I) X^T = C^T, for rows of C (k x n).
  DenseMatrix solve(const DenseMatrix& c) const {
    const DenseMatrix half = linalg::solve_upper_transposed(r_, divided(linalg::transpose(c)));
    return linalg::transpose(divided(linalg::solve_upper(r_, half)));
  }

  /// D^-1 R^-1: times its transpose it is the inverse.
  DenseMatrix factor() const { return divided(linalg::solve_upper(r_, linalg::identity(r_.rows))); }

 private:
  double d(std::int64_t j) const { return scale_[static_cast<std::size_t>(j)]; }
  DenseMatrix divided(DenseMatrix c) const {
    for (std::int64_t i = 0; i < c.rows; ++i)
      for (double& x : c.row(i)) x /= d(i);
    return c;
  }

  std::vector<double> scale_;
  DenseMatrix r_;
};

DenseMatrix as_row(const std::vector<double>& v) {
  DenseMatrix row(1, static_cast<std::int64_t>(v.size()));
  row.values = v;
  return row;
}

/// The rows of `a` and one more.
DenseMatrix below(const DenseMatrix& a, const std::vector<double>& row) {
  DenseMatrix both(a.rows + 1, a.cols);
  std::copy(row.begin(), row.end(),
            std::copy(a.values.begin(), a.values.end(), both.values.begin()));
  return both;
}

/// The work of rank 0 between the passes.
class Solver {
 public:
  Solver(const LeastSquaresProblem& p, const DenseMatrix& gram) : p_(p) {
    const std::int64_t n = p.a.cols(), k = p.b.cols();
    for (std::int64_t j = 0; j < k; ++j)
      outcome.solution.b_norm.push_back(std::sqrt(gram(n + j, n + j)));
    cholesky_ = ScaledCholesky::of(gram, n, p.ridge);
    if (!cholesky_) {
      fail("A^T A is not positive definite to working precision");
      return;
    }
    DenseMatrix atb(k, n);
    for (std::int64_t j = 0; j < k; ++j)
      for (std::int64_t i = 0; i < n; ++i) atb(j, i) = gram(i, n + j);
    x = cholesky_->solve(atb);
    find_extremes(gram);
  }

  bool done() const { return failed_ || outcome.solved; }

  /// What the next pass multiplies A with: x and, the first time, the right singular vector of the
  /// smallest singular value, which A itself then gives.
  DenseMatrix vectors() const { return outcome.refinements == 0 ? below(x, smallest_vector_) : x; }

  /// Takes in what a pass found for vectors().
  void refine(const Residuals& found) {
    LeastSquaresSolution& s = outcome.solution;
    if (outcome.refinements == 0) s.smallest_singular = std::sqrt(found.squares.back());
    if (!(s.smallest_singular > kNearCutoff * p_.cutoff * s.largest_singular))
      return fail(
          fmt::format("the smallest singular value, about {:.1e} of the largest, is too "
                      "near the cut-off of {:.1e}",
                      s.smallest_singular / s.largest_singular, p_.cutoff));
    DenseMatrix gradient(x.rows, x.cols);
    std::copy_n(found.gradient.values.begin(), gradient.values.size(), gradient.values.begin());
    for (std::size_t i = 0; i < x.values.size(); ++i) gradient.values[i] -= p_.ridge * x.values[i];
    const DenseMatrix step = cholesky_->solve(gradient);
    const double before = change_;
    change_ = 0;
    s.residual_norm.clear();
    for (std::int64_t j = 0; j < x.rows; ++j) {
      // |r - A dx|^2 = |r|^2 - dx^T (g + lambda (x + dx)), g the gradient less lambda x.
      double square = found.squares[static_cast<std::size_t>(j)];
      for (std::int64_t i = 0; i < x.cols; ++i) {
        x(j, i) += step(j, i);
        square -= step(j, i) * (gradient(j, i) + p_.ridge * x(j, i));
      }
      s.residual_norm.push_back(std::sqrt(std::max(square, 0.0)));
      if (const double length = norm(x.row(j)); length > 0)
        change_ = std::max(change_, norm(step.row(j)) / length);
    }
    ++outcome.refinements;
    judge(change_ / before);
  }

  DenseMatrix x;  // k x n
  NormalEquationsOutcome outcome;

 private:
  void fail(std::string reason) {
    failed_ = true;
    outcome.reason = std::move(reason);
  }

  void find_extremes(const DenseMatrix& gram) {
    const std::int64_t n = p_.a.cols();
    DenseMatrix full(n, n);
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < n; ++j) full(i, j) = gram(std::min(i, j), std::max(i, j));
    const auto multiplied = [&](const std::vector<double>& v) {
      return linalg::multiply(as_row(v), full).values;
    };
    const auto divided = [&](const std::vector<double>& v) {
      return cholesky_->solve(as_row(v)).values;
    };
    outcome.solution.largest_singular = std::sqrt(linalg::largest_eigen(n, multiplied).value);
    smallest_vector_ = linalg::largest_eigen(n, divided).vector;
  }

  /// `rate`: the last change of x over the one before; the first x counts as a change of one.
  void judge(double rate) {
    const double left = change_ * std::min(rate, 1.0);
    if (left <= kEnough)
      accept(left);
    else if (!(rate < kSlow) && change_ <= kAcceptable)
      accept(change_);  // rounding of the gradient: no further without more precision
    else if (!(rate < kSlow) || outcome.refinements == kMaxRefinements)
      fail(fmt::format("refinement does not converge: each pass takes the error to {:.2g} of it",
                       rate));
  }

  void accept(double error) {
    outcome.solved = true;
    LeastSquaresSolution& s = outcome.solution;
    s.estimated_error = error;
    s.rank = static_cast<int>(p_.a.cols());
    s.x = linalg::transpose(x);
    if (p_.ridge == 0) s.factor = cholesky_->factor();
  }

  const LeastSquaresProblem& p_;
  std::optional<ScaledCholesky> cholesky_;
  std::vector<double> smallest_vector_;
  double change_ = 1;
  bool failed_ = false;
};

/// Collective: rank 0's flag.
bool agreed(Communicator& comm, bool mine) {
  double flag = mine;
  broadcast(comm, std::span(&flag, 1));
  return flag != 0;
}

bool all_finite(const DenseMatrix& gram) {
  return std::ranges::all_of(gram.values, [](double x) { return std::isfinite(x); });
}

}  // namespace

NormalEquationsOutcome solve_normal_equations(const LeastSquaresProblem& p) {
  const bool root = p.comm.rank() == 0;
  const std::int64_t n = p.a.cols(), k = p.b.cols();
  NormalEquationsOutcome outcome;
  const DenseMatrix gram = joined_gram(p);
  outcome.passes = 1;
  if (!agreed(p.comm, root && all_finite(gram))) {
    require_finite(p.comm, p.a, p.threads);
    require_finite(p.comm, p.b, p.threads);
    ++outcome.passes;
    outcome.reason = "squares of entries overflow";
    return outcome;
  }
  std::optional<Solver> solver;
  if (root) solver.emplace(p, gram);
  while (!agreed(p.comm, root && solver->done())) {
    DenseMatrix vectors(k + (outcome.refinements == 0 ? 1 : 0), n);
    if (root) vectors = solver->vectors();
    broadcast(p.comm, vectors.values);
    const Residuals found = residuals(p, vectors);
    if (root) solver->refine(found);
    ++outcome.refinements;
    ++outcome.passes;
  }
  if (root) {
    outcome.reason = solver->outcome.reason;
    outcome.solution = std::move(solver->outcome.solution);
  }
  outcome.solved = agreed(p.comm, root && solver->outcome.solved);
  return outcome;
}

}  // namespace hadal::dist

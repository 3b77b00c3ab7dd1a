#include "dist/linalg/tall_svd.h"

#include <algorithm>
#include <limits>

#include <cblas.h>
#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "core/linalg/dense.h"
#include "core/linalg/one_blas_thread.h"
#include "core/linalg/row_kernels.h"
#include "dist/linalg/row_fold.h"
#include "dist/linalg/tsqr.h"

namespace hadal::dist {
namespace {

using linalg::DenseMatrix;

constexpr std::int64_t kTileRows = 256;

/// Row-major: to (left_cols x right_cols) += left^T right, both `rows` high.
void add_product(std::int64_t rows, const double* left, std::int64_t left_cols, const double* right,
                 std::int64_t right_cols, double* to) {
  if (left_cols == 0 || right_cols == 0) return;
  const auto p = static_cast<int>(left_cols), q = static_cast<int>(right_cols);
  cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, p, q, static_cast<int>(rows), 1.0, left, p,
              right, q, 1.0, to, q);
}

/// The upper triangle of to (cols x cols) += a^T a.
void add_square(std::int64_t rows, const double* a, std::int64_t cols, double* to) {
  if (cols == 0) return;
  const auto n = static_cast<int>(cols);
  cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, n, static_cast<int>(rows), 1.0, a, n, 1.0, to,
              n);
}

void check(const matrix::RowSource& a, const matrix::RowSource* b, const TallSvdOptions& o) {
  if (a.rows() == 0 || a.cols() == 0)
    throw ShapeError(
        fmt::format("{}: a matrix of {} x {} has no column space", a.name(), a.rows(), a.cols()));
  if (b != nullptr && b->rows() != a.rows())
    throw ShapeError(fmt::format("{} has {} rows, {} has {}: both need the same number", a.name(),
                                 format_count(a.rows()), b->name(), format_count(b->rows())));
  if (o.cutoff && !(*o.cutoff >= 0 && *o.cutoff < 1))
    throw ConfigError(
        fmt::format("cut-off is {}, wanted at least 0 and below 1, relative to the "
                    "largest singular value",
                    *o.cutoff));
}

}  // namespace

TallSvd::TallSvd(Communicator& comm, const matrix::RowSource& a, const matrix::RowSource* b,
                 const TallSvdOptions& options)
    : a_(a), threads_(options.threads) {
  check(a, b, options);
  if (b != nullptr) b_.emplace(*b);
  cutoff_ = options.cutoff.value_or(static_cast<double>(std::max(a.rows(), a.cols())) *
                                    std::numeric_limits<double>::epsilon());
  find_directions(comm);
  orthonormalise(comm);
}

void TallSvd::find_directions(Communicator& comm) {
  const TsqrResult qr = tsqr(comm, a_, nullptr, threads_);
  double rank = 0;
  linalg::DenseSvd svd;
  if (comm.rank() == 0) {
    svd = linalg::dense_svd(qr.r);
    rank = static_cast<double>(
        std::ranges::count_if(svd.sigma, [&](double x) { return x > cutoff_ * svd.sigma[0]; }));
  }
  broadcast(comm, std::span(&rank, 1));
  w_ = DenseMatrix(cols(), static_cast<std::int64_t>(rank));
  sigma_.resize(static_cast<std::size_t>(rank));
  if (comm.rank() == 0)
    for (std::int64_t i = 0; i < w_.rows; ++i)
      for (std::int64_t j = 0; j < w_.cols; ++j)
        w_(i, j) = svd.v(i, j) / svd.sigma[static_cast<std::size_t>(j)];
  broadcast(comm, w_.values);
}

void TallSvd::orthonormalise(Communicator& comm) {
  if (b_) require_finite(comm, *b_, threads_);
  const std::int64_t n = cols(), r = rank(), k = b_ ? b_->cols() : 0;
  // Y^T Y (upper triangle), Y^T A, Y^T B one after the other.
  const linalg::OneBlasThread one;
  std::vector<std::vector<double>> tiles(static_cast<std::size_t>(threads_));
  const std::vector<double> sums =
      fold(comm, static_cast<std::size_t>(r * (r + n + k)),
           [&](int thread, std::int64_t first, const DenseMatrix& y, const double* b,
               std::span<double> node) {
             const double* a = a_.tile(first, y.rows, tiles[static_cast<std::size_t>(thread)]);
             add_square(y.rows, y.values.data(), r, node.data());
             add_product(y.rows, y.values.data(), r, a, n, node.data() + r * r);
             add_product(y.rows, y.values.data(), r, b, k, node.data() + r * (r + n));
           });
  t_ = DenseMatrix(r, r);
  v_ = DenseMatrix(n, r);
  ut_b_ = DenseMatrix(r, k);
  if (comm.rank() == 0 && r > 0) {
    DenseMatrix yty(r, r), yta(r, n), ytb(r, k);
    std::copy_n(sums.begin(), r * r, yty.values.begin());
    std::copy_n(sums.begin() + r * r, r * n, yta.values.begin());
    std::copy_n(sums.begin() + r * (r + n), r * k, ytb.values.begin());
    const auto l = linalg::cholesky(yty);  // upper: Y^T Y = L^T L, Q = Y L^-1
    HADAL_CHECK(l.has_value());
    const linalg::DenseSvd svd = linalg::dense_svd(linalg::solve_upper_transposed(*l, yta));
    t_ = linalg::solve_upper(*l, svd.u);
    v_ = svd.v;
    sigma_ = svd.sigma;
    ut_b_ = linalg::multiply_transposed_left(t_, ytb);
  }
  for (auto* values : {&t_.values, &v_.values, &sigma_, &ut_b_.values}) broadcast(comm, *values);
}

std::vector<double> TallSvd::fold(Communicator& comm, std::size_t length, const Work& work) const {
  const linalg::PackedMatrix<double> w(w_);
  struct Scratch {
    linalg::RowKernels<double> kernels;
    std::vector<double> a, b;
  };
  std::vector<Scratch> scratch;
  for (int t = 0; t < threads_; ++t)
    scratch.push_back({linalg::RowKernels<double>(cols()), {}, {}});
  FoldSteps steps;
  steps.length = length;
  steps.leaf = [&](int thread, std::int64_t first, std::int64_t count, std::span<double> node) {
    Scratch& s = scratch[static_cast<std::size_t>(thread)];
    for (std::int64_t at = first; at < first + count; at += kTileRows) {
      const std::int64_t some = std::min(kTileRows, first + count - at);
      DenseMatrix y(some, rank());
      s.kernels.apply({.data = a_.tile(at, some, s.a),
                       .element = matrix::Element::kF64,
                       .rows = some,
                       .cols = cols(),
                       .stride = cols()},
                      w, y.values.data());
      const double* b = b_ ? b_->tile(at, some, s.b) : nullptr;
      work(thread, at, y, b, node);
    }
  };
  return fold_leaves(comm, {.rows = rows(), .rows_per_leaf = rows_per_leaf(cols())}, threads_,
                     steps);
}

}  // namespace hadal::dist

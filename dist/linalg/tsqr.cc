#include "dist/linalg/tsqr.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/linalg/one_blas_thread.h"
#include "dist/linalg/row_fold.h"

// LAPACK: the triangle of a triangle above a pentagon, and QR.
extern "C" {
void dtpqrt_(const int* m, const int* n, const int* l, const int* nb, double* a, const int* lda,
             double* b, const int* ldb, double* t, const int* ldt, double* work, int* info);
void dgeqrf_(const int* m, const int* n, double* a, const int* lda, double* tau, double* work,
             const int* lwork, int* info);
}

namespace hadal::dist {
namespace {

// Matrices here are column by column, as LAPACK wants them.
constexpr std::int64_t kAbsorbedRows = 512;  // with 32: 42 GFLOP/s a core at n = 500, the best of
constexpr int kPanel = 32;                   // 128..1000 rows x 8..48 columns

int to_int(std::int64_t value) {
  HADAL_CHECK(value <= 0x7fffffff);
  return static_cast<int>(value);
}

/// R := the triangle of [R; V]; V, `rows` x n, is destroyed. `shape` says which part of V is not
/// zero: 0 all of it, n its upper triangle.
void absorb(int n, int rows, int shape, double* r, double* v, std::vector<double>& scratch) {
  const int panel = std::min(kPanel, n);
  scratch.resize(static_cast<std::size_t>(panel) * static_cast<std::size_t>(n) * 2);
  double* const t = scratch.data();
  double* const work = t + static_cast<std::ptrdiff_t>(panel) * n;
  int info = 0;
  dtpqrt_(&rows, &n, &shape, &panel, r, &n, v, &rows, t, &panel, work, &info);
  HADAL_CHECK(info == 0);
}

/// Writes row-major `tile` (rows x cols) into columns of `to`, whose columns are `stride` apart.
void transpose(const double* tile, std::int64_t rows, std::int64_t cols, double* to,
               std::int64_t stride) {
  constexpr std::int64_t kBlock = 16;
  for (std::int64_t i0 = 0; i0 < rows; i0 += kBlock)
    for (std::int64_t j0 = 0; j0 < cols; j0 += kBlock)
      for (std::int64_t j = j0; j < std::min(cols, j0 + kBlock); ++j)
        for (std::int64_t i = i0; i < std::min(rows, i0 + kBlock); ++i)
          to[j * stride + i] = tile[i * cols + j];
}

/// [A B] column by column.
class JoinedColumns {
 public:
  JoinedColumns(const DoubleRows& a, const DoubleRows* b) : a_(a), b_(b) {}
  std::int64_t cols() const { return a_.cols() + (b_ == nullptr ? 0 : b_->cols()); }
  void read(std::int64_t first, std::int64_t rows, double* to, std::vector<double>& buffer) const {
    transpose(a_.tile(first, rows, buffer), rows, a_.cols(), to, rows);
    if (b_ != nullptr)
      transpose(b_->tile(first, rows, buffer), rows, b_->cols(), to + rows * a_.cols(), rows);
  }

 private:
  const DoubleRows& a_;
  const DoubleRows* b_;
};

/// n x n column by column, upper triangular, on rank 0.
std::vector<double> triangle_by_tree(Communicator& comm, const JoinedColumns& columns,
                                     std::int64_t rows, int threads) {
  const std::int64_t n = columns.cols();
  struct Scratch {
    std::vector<double> tile, block, work;
  };
  std::vector<Scratch> scratch(static_cast<std::size_t>(threads));
  FoldSteps steps;
  steps.length = static_cast<std::size_t>(n * n);
  steps.leaf = [&](int thread, std::int64_t first, std::int64_t count, std::span<double> r) {
    Scratch& s = scratch[static_cast<std::size_t>(thread)];
    for (std::int64_t at = 0; at < count; at += kAbsorbedRows) {
      const std::int64_t some = std::min(kAbsorbedRows, count - at);
      s.block.resize(static_cast<std::size_t>(some * n));
      columns.read(first + at, some, s.block.data(), s.tile);
      absorb(to_int(n), to_int(some), 0, r.data(), s.block.data(), s.work);
    }
  };
  steps.merge = [&](std::span<double> left, std::span<double> right) {
    std::vector<double> work;
    absorb(to_int(n), to_int(n), to_int(n), left.data(), right.data(), work);
  };
  return fold_leaves(comm, {.rows = rows, .rows_per_leaf = rows_per_leaf(n)}, threads, steps);
}

/// rows x n column by column, upper trapezoidal, on rank 0, where all rows are brought.
std::vector<double> trapezoid_at_once(Communicator& comm, const JoinedColumns& columns,
                                      std::int64_t rows) {
  const std::int64_t n = columns.cols();
  const RowLeaves leaves{.rows = rows, .rows_per_leaf = 1};
  const std::int64_t begin = leaves.first_of(comm.rank(), comm.size());
  const std::int64_t end = leaves.first_of(comm.rank() + 1, comm.size());
  std::vector<double> mine(static_cast<std::size_t>((end - begin) * n)), buffer;
  columns.read(begin, end - begin, mine.data(), buffer);
  const auto parts = comm.all_gather(std::as_bytes(std::span(mine)));
  if (comm.rank() != 0) return {};
  std::vector<double> r(static_cast<std::size_t>(rows * n));
  for (int rank = 0; rank < comm.size(); ++rank) {
    const std::int64_t first = leaves.first_of(rank, comm.size());
    const std::int64_t count = leaves.first_of(rank + 1, comm.size()) - first;
    const std::byte* from = parts[static_cast<std::size_t>(rank)].data();
    for (std::int64_t j = 0; j < n && count > 0; ++j)
      std::memcpy(r.data() + j * rows + first,
                  from + static_cast<std::size_t>(j * count) * sizeof(double),
                  static_cast<std::size_t>(count) * sizeof(double));
  }
  std::vector<double> tau(static_cast<std::size_t>(rows));
  std::vector<double> work(static_cast<std::size_t>(n * kPanel));
  const int height = to_int(rows), width = to_int(n), work_size = to_int(n * kPanel);
  int info = 0;
  dgeqrf_(&height, &width, r.data(), &height, tau.data(), work.data(), &work_size, &info);
  HADAL_CHECK(info == 0);
  return r;
}

}  // namespace

std::int64_t rows_per_leaf(std::int64_t n) {
  return std::max<std::int64_t>(2, (4 * n + kAbsorbedRows - 1) / kAbsorbedRows) * kAbsorbedRows;
}

TsqrResult tsqr(Communicator& comm, const DoubleRows& a, const DoubleRows* b, int threads) {
  const linalg::OneBlasThread one;
  const JoinedColumns columns(a, b);
  const std::int64_t m = a.rows(), n = a.cols(), k = columns.cols() - n;
  HADAL_CHECK(b == nullptr || b->rows() == m);
  const std::int64_t stride = std::min(m, n + k);
  const std::vector<double> joined = m >= n + k ? triangle_by_tree(comm, columns, m, threads)
                                                : trapezoid_at_once(comm, columns, m);
  const auto r = [&](std::int64_t i, std::int64_t j) {
    return joined[static_cast<std::size_t>(j * stride + i)];
  };
  TsqrResult result;
  std::int64_t finite = 1;
  if (comm.rank() == 0) {
    const std::int64_t p = std::min(m, n);
    result.r = linalg::DenseMatrix(p, n);
    result.qt_b = linalg::DenseMatrix(p, k);
    result.distance.resize(static_cast<std::size_t>(k));
    for (std::int64_t j = 0; j < n; ++j)
      for (std::int64_t i = 0; i <= std::min(j, p - 1); ++i) result.r(i, j) = r(i, j);
    for (std::int64_t j = 0; j < k; ++j) {
      for (std::int64_t i = 0; i < p; ++i) result.qt_b(i, j) = r(i, n + j);
      double norm = 0;
      for (std::int64_t i = p; i <= std::min(n + j, stride - 1); ++i)
        norm = std::hypot(norm, r(i, n + j));
      result.distance[static_cast<std::size_t>(j)] = norm;
    }
    const auto all_finite = [](const std::vector<double>& values) {
      return std::ranges::all_of(values, [](double x) { return std::isfinite(x); });
    };
    finite = all_finite(result.r.values) && all_finite(result.qt_b.values) &&
             all_finite(result.distance);
  }
  if (comm.all_reduce(finite, ReduceOp::kMin) == 0) {
    require_finite(comm, a, threads);
    if (b != nullptr) require_finite(comm, *b, threads);
    throw NotFiniteError(
        fmt::format("{}: values so large that sums of their squares overflow; "
                    "divide the matrix by its largest entry",
                    a.source().name()));
  }
  return result;
}

}  // namespace hadal::dist

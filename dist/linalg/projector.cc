#include "dist/linalg/projector.h"

#include <algorithm>
#include <cmath>
#include <mutex>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "core/linalg/dense.h"
#include "core/linalg/row_kernels.h"
#include "dist/linalg/row_fold.h"

namespace hadal::dist {

using linalg::DenseMatrix;

Distances project(Communicator& comm, const TallSvd& svd, const TakeRows& take) {
  const std::int64_t k = svd.ut_b().cols;
  const DenseMatrix right = linalg::multiply(svd.t(), svd.ut_b());  // P B = U U^T B = Y (T U^T B)
  // |b|^2, |P b|^2, |b - P b|^2 of every column.
  std::vector<double> sums = svd.fold(
      comm, static_cast<std::size_t>(3 * k),
      [&](int, std::int64_t first, const DenseMatrix& y, const double* b, std::span<double> node) {
        const DenseMatrix inside = linalg::multiply(y, right);
        for (std::int64_t i = 0; i < y.rows; ++i, b += k)
          for (std::int64_t j = 0; j < k; ++j) {
            const auto c = static_cast<std::size_t>(j), step = static_cast<std::size_t>(k);
            const double outside = b[j] - inside(i, j);
            node[c] = std::fma(b[j], b[j], node[c]);
            node[step + c] = std::fma(inside(i, j), inside(i, j), node[step + c]);
            node[2 * step + c] = std::fma(outside, outside, node[2 * step + c]);
          }
        take(first, inside);
      });
  sums.resize(static_cast<std::size_t>(3 * k));
  broadcast(comm, sums);
  for (double& sum : sums) sum = std::sqrt(sum);
  return {{sums.begin(), sums.begin() + k},
          {sums.begin() + k, sums.begin() + 2 * k},
          {sums.begin() + 2 * k, sums.end()}};
}

void require_small_projector(std::int64_t m) {
  if (m > kMaxProjectorRows)
    throw ConfigError(fmt::format(
        "the projector of {} rows would be {} x {} values; it is written for at most {} rows: "
        "project the vectors you have instead",
        format_count(m), m, m, format_count(kMaxProjectorRows)));
}

void projector_rows(Communicator& comm, const TallSvd& svd, const TakeRows& take) {
  const std::int64_t m = svd.rows(), r = svd.rank();
  require_small_projector(m);
  // Every rank's rows of U are consecutive, and ranks follow each other.
  DenseMatrix mine(m, r);
  std::int64_t begin = m, end = 0;
  std::mutex mutex;
  svd.fold(comm, 0,
           [&](int, std::int64_t first, const DenseMatrix& y, const double*, std::span<double>) {
             const DenseMatrix u = linalg::multiply(y, svd.t());
             std::ranges::copy(u.values, mine.values.begin() + first * r);
             const std::lock_guard lock(mutex);
             begin = std::min(begin, first);
             end = std::max(end, first + u.rows);
           });
  end = std::max(begin, end);
  const auto parts =
      comm.all_gather(std::as_bytes(std::span(mine.values)
                                        .subspan(static_cast<std::size_t>(begin * r),
                                                 static_cast<std::size_t>((end - begin) * r))));
  DenseMatrix all(m, r);
  auto* to = reinterpret_cast<std::byte*>(all.values.data());
  for (const auto& part : parts) to = std::ranges::copy(part, to).out;

  // One chain of products in ascending order, so p_ij and p_ji have the same bits.
  const linalg::PackedMatrix<double> transposed(linalg::transpose(all));
  linalg::RowKernels<double> kernels(r);
  constexpr std::int64_t kRows = 64;
  for (std::int64_t first = begin; first < end; first += kRows) {
    DenseMatrix rows(std::min(kRows, end - first), m);
    kernels.apply({.data = all.row(first).data(),
                   .element = matrix::Element::kF64,
                   .rows = rows.rows,
                   .cols = r,
                   .stride = r},
                  transposed, rows.values.data());
    take(first, rows);
  }
}

}  // namespace hadal::dist

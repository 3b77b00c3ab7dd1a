#include "dist/linalg/svd_delivery.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "core/base/error.h"
#include "core/linalg/dense.h"
#include "core/linalg/gaussian.h"
#include "dist/linalg/certificate.h"
#include "dist/linalg/svd_streams.h"

namespace hadal::dist {
namespace {

using linalg::DenseMatrix;

/// +1 or -1 for every row: its entry of largest magnitude becomes positive, the first of equals.
std::vector<double> signs_of(const DenseMatrix& components) {
  std::vector<double> signs;
  for (std::int64_t i = 0; i < components.rows; ++i) {
    const auto row = components.row(i);
    const auto largest = std::max_element(
        row.begin(), row.end(), [](double a, double b) { return std::abs(a) < std::abs(b); });
    signs.push_back(*largest < 0 ? -1.0 : 1.0);
  }
  return signs;
}

void scale_columns(DenseMatrix& a, const std::vector<double>& factors) {
  for (std::int64_t i = 0; i < a.rows; ++i)
    for (std::int64_t j = 0; j < a.cols; ++j) a(i, j) *= factors[static_cast<std::size_t>(j)];
}

void scale_rows(DenseMatrix& a, const std::vector<double>& factors) {
  for (std::int64_t i = 0; i < a.rows; ++i)
    for (double& value : a.row(i)) value *= factors[static_cast<std::size_t>(i)];
}

/// Calls `work` with what a TallMatrix hands out as what it is.
template <typename Work>
void with_values(const linalg::RowBlock& rows, const Work& work) {
  if (rows.element == matrix::Element::kF64)
    work(static_cast<const double*>(rows.data));
  else
    work(static_cast<const float*>(rows.data));
}

/// U as it comes out is Y C diag(1 / sigma); its Gram matrix M = R^T R, near I, puts it right:
/// C diag(1 / sigma) R^-1 diag(sigma), one step of CholeskyQR, and it is well conditioned.
DenseMatrix orthonormal_correction(TallMatrix& t, const DenseMatrix& combination,
                                   const std::vector<double>& sigma) {
  std::vector<double> inverse;
  for (const double s : sigma) inverse.push_back(s > 0 ? 1 / s : 0);
  DenseMatrix c = combination;
  scale_columns(c, inverse);
  const auto root = linalg::cholesky(t.gram_of_product(c));
  if (!root) return combination;  // columns of zero: no orthonormal U exists for them
  c = linalg::solve_upper_right(c, *root);
  scale_columns(c, sigma);
  return c;
}

/// The columns of a matrix of n, those of each rank after those of the rank before; collective.
DenseMatrix beside_each_other(Communicator& comm, const DenseMatrix& own, std::int64_t n) {
  DenseMatrix all(own.rows, n);
  std::int64_t before = 0;
  for (const auto& part : comm.all_gather(std::as_bytes(std::span(own.values)))) {
    const auto cols = static_cast<std::int64_t>(part.size() / sizeof(double)) /
                      std::max<std::int64_t>(own.rows, 1);
    for (std::int64_t i = 0; i < own.rows && cols > 0; ++i)
      std::memcpy(all.row(i).data() + before,
                  part.data() + static_cast<std::size_t>(i * cols) * sizeof(double),
                  static_cast<std::size_t>(cols) * sizeof(double));
    before += cols;
  }
  HADAL_CHECK(before == n);
  return all;
}

/// Beyond the rank A^T u / sigma says nothing: there any rows do that are orthonormal with the
/// rest.
void complete(DenseMatrix& components, int rank, std::uint64_t seed) {
  const std::int64_t missing = components.rows - rank;
  if (missing == 0) return;
  const DenseMatrix known = linalg::columns(linalg::transpose(components), 0, rank);
  const DenseMatrix more = linalg::orthonormalise(
      outside_of(known, linalg::gaussian_matrix({seed, kBeyondStream}, components.cols, missing)));
  for (std::int64_t i = 0; i < missing; ++i)
    for (std::int64_t j = 0; j < components.cols; ++j) components(rank + i, j) = more(j, i);
}

}  // namespace

DenseMatrix deliver_standing(TallMatrix& t, const SvdOptions& options, const Factors& factors,
                             ScoreSink* sink) {
  const auto k = static_cast<std::int64_t>(factors.sigma.size());
  DenseMatrix components = linalg::transpose(linalg::columns(factors.v, 0, k));
  const std::vector<double> signs = signs_of(components);
  scale_rows(components, signs);
  if (sink == nullptr) return components;
  DenseMatrix combination = linalg::columns(factors.combination, 0, k);
  scale_columns(combination, signs);
  if (options.orthonormal_u) combination = orthonormal_correction(t, combination, factors.sigma);
  t.emit(combination, [&](std::int64_t first, const linalg::RowBlock& scores) {
    with_values(scores, [&](const auto* values) {
      sink->take(first, scores.rows, static_cast<int>(k), values);
    });
  });
  return components;
}

DenseMatrix deliver_turned(Communicator& comm, const matrix::RowSource& a, TallMatrix& t,
                           const SvdOptions& options, const Factors& factors, ScoreSink* sink) {
  const auto k = static_cast<std::int64_t>(factors.sigma.size());
  DenseMatrix own(k, t.count());  // this rank's columns
  t.emit(linalg::columns(factors.combination, 0, k), [&](std::int64_t first,
                                                         const linalg::RowBlock& rows) {
    with_values(rows, [&](const auto* values) {
      for (std::int64_t i = 0; i < k; ++i) {
        const double sigma = factors.sigma[static_cast<std::size_t>(i)];
        double* const to = own.row(i).data() + (first - t.first());
        for (std::int64_t j = 0; j < rows.rows; ++j)
          to[j] = sigma > factors.least_sigma ? static_cast<double>(values[j * k + i]) / sigma : 0;
      }
    });
  });
  DenseMatrix components =
      comm.size() == 1 ? std::move(own) : beside_each_other(comm, own, a.cols());
  complete(components, factors.rank, options.seed);
  const std::vector<double> signs = signs_of(components);
  scale_rows(components, signs);
  if (sink == nullptr) return components;
  const std::int64_t begin = a.rows() * comm.rank() / comm.size();
  const std::int64_t end = a.rows() * (comm.rank() + 1) / comm.size();
  if (begin == end) return components;
  DenseMatrix scores(end - begin, k);
  for (std::int64_t i = begin; i < end; ++i)
    for (std::int64_t j = 0; j < k; ++j) {
      const auto at = static_cast<std::size_t>(j);
      scores(i - begin, j) = factors.v(i, j) * factors.sigma[at] * signs[at];
    }
  const auto columns = static_cast<int>(k);
  if (options.precision == Precision::kFloat64) {
    sink->take(begin, scores.rows, columns, scores.values.data());
  } else {
    const std::vector<float> narrow(scores.values.begin(), scores.values.end());
    sink->take(begin, scores.rows, columns, narrow.data());
  }
  return components;
}

}  // namespace hadal::dist

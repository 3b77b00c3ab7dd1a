#include "experiments/studies/eigenfaces/encoding.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/linalg/dense.h"

namespace hadal::eigenfaces {
namespace {

using linalg::DenseMatrix;

double squared_length(std::span<const double> x) {
  double sum = 0;
  for (const double value : x) sum += value * value;
  return sum;
}

double root_mean(double squared, const DenseMatrix& examples) {
  return std::sqrt(std::max(0.0, squared) / static_cast<double>(examples.values.size()));
}

}  // namespace

DenseMatrix centred(DenseMatrix rows, const std::vector<double>& mean) {
  for (std::int64_t i = 0; i < rows.rows; ++i)
    for (std::int64_t c = 0; c < rows.cols; ++c) rows(i, c) -= mean[static_cast<std::size_t>(c)];
  return rows;
}

PrincipalAxes principal_axes(const DenseMatrix& examples, std::int64_t count) {
  if (count < 1 || count > std::min(examples.rows - 1, examples.cols))
    throw ConfigError(fmt::format("{} principal axes of {} examples of {} values", count,
                                  examples.rows, examples.cols));
  PrincipalAxes result{.mean = std::vector<double>(static_cast<std::size_t>(examples.cols))};
  for (std::int64_t i = 0; i < examples.rows; ++i)
    for (std::int64_t c = 0; c < examples.cols; ++c)
      result.mean[static_cast<std::size_t>(c)] +=
          examples(i, c) / static_cast<double>(examples.rows);
  const DenseMatrix x = centred(examples, result.mean);
  if (x.cols <= x.rows) {
    result.axes =
        linalg::transpose(linalg::symmetric_eigen(linalg::self_product(x), count).vectors);
    return result;
  }
  const linalg::SymmetricEigen eigen =
      linalg::symmetric_eigen(linalg::multiply_transposed_right(x, x), count);
  result.axes = linalg::multiply_transposed_left(eigen.vectors, x);
  for (std::int64_t i = 0; i < count; ++i) {
    const double length = std::sqrt(squared_length(result.axes.row(i)));
    for (double& value : result.axes.row(i)) value /= length;
  }
  return result;
}

double encoding_error(const DenseMatrix& examples, const PrincipalAxes& axes, int kept,
                      bool largest) {
  HADAL_CHECK(kept <= axes.axes.rows);
  const DenseMatrix coefficients = linalg::multiply_transposed_right(examples, axes.axes);
  double squared = squared_length(examples.values);
  for (std::int64_t i = 0; i < examples.rows; ++i) {
    std::vector<double> c(coefficients.row(i).begin(), coefficients.row(i).end());
    if (largest)
      std::ranges::nth_element(c, c.begin() + kept,
                               [](double a, double b) { return std::abs(a) > std::abs(b); });
    squared -= squared_length(std::span(c).first(static_cast<std::size_t>(kept)));
  }
  return root_mean(squared, examples);
}

double encoding_error(const DenseMatrix& examples, const SparseCoder& coder, int kept,
                      Pursuit pursuit) {
  const DenseMatrix correlations = coder.correlations(examples);
  double squared = 0;
  for (std::int64_t i = 0; i < examples.rows; ++i) {
    const std::span<const double> c = correlations.row(i);
    const std::vector<double> guess = coder.decode(
        pursuit == Pursuit::kOmp ? coder.omp(c, kept) : coder.refitted(coder.lasso(c, 0, kept), c));
    for (std::size_t v = 0; v < guess.size(); ++v) {
      const double difference = examples(i, static_cast<std::int64_t>(v)) - guess[v];
      squared += difference * difference;
    }
  }
  return root_mean(squared, examples);
}

}  // namespace hadal::eigenfaces

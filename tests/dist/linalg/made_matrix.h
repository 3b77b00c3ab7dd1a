// Matrices for the tests of least squares and its kin.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/base/random.h"
#include "core/linalg/dense.h"
#include "core/matrix/memory_rows.h"

namespace hadal::dist {

/// m x n, entries N(0, 1).
inline linalg::DenseMatrix normal_matrix(std::int64_t m, std::int64_t n, std::uint64_t seed) {
  linalg::DenseMatrix a(m, n);
  for (std::size_t i = 0; i < a.values.size(); ++i)
    a.values[i] = random::normal({seed, random::Purpose::kTest}, i);
  return a;
}

/// m x n with these singular values (as many as min(m, n)) and random singular vectors.
inline linalg::DenseMatrix matrix_of_spectrum(std::int64_t m, std::int64_t n,
                                              const std::vector<double>& sigma,
                                              std::uint64_t seed) {
  const auto p = static_cast<std::int64_t>(sigma.size());
  linalg::DenseMatrix u = linalg::orthonormalise(normal_matrix(m, p, seed));
  const linalg::DenseMatrix v = linalg::orthonormalise(normal_matrix(n, p, seed + 1));
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < p; ++j) u(i, j) *= sigma[static_cast<std::size_t>(j)];
  return linalg::multiply_transposed_right(u, v);
}

/// n values from 1 down to 1 / condition, each the same factor below the one before.
inline std::vector<double> geometric_spectrum(int n, double condition) {
  std::vector<double> sigma(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i)
    sigma[static_cast<std::size_t>(i)] = n == 1 ? 1 : std::pow(condition, -i / (n - 1.0));
  return sigma;
}

/// j^(-1/2): nothing stands out.
inline std::vector<double> slow_spectrum(std::int64_t n) {
  std::vector<double> sigma;
  for (std::int64_t j = 1; j <= n; ++j) sigma.push_back(1 / std::sqrt(static_cast<double>(j)));
  return sigma;
}

/// 10^(-(j-1)/20), not below 1e-4.
inline std::vector<double> fast_spectrum(std::int64_t n) {
  std::vector<double> sigma;
  for (std::int64_t j = 0; j < n; ++j)
    sigma.push_back(std::max(1e-4, std::pow(10.0, -static_cast<double>(j) / 20)));
  return sigma;
}

inline matrix::MemoryRows rows_of(const linalg::DenseMatrix& a, std::string name = "matrix") {
  return {a.values, a.rows, a.cols, std::move(name)};
}

/// max |a - b| over the entries; infinity where the sizes differ.
inline double max_difference(const linalg::DenseMatrix& a, const linalg::DenseMatrix& b) {
  if (a.rows != b.rows || a.cols != b.cols) return INFINITY;
  double largest = 0;
  for (std::size_t i = 0; i < a.values.size(); ++i)
    largest = std::max(largest, std::abs(a.values[i] - b.values[i]));
  return largest;
}

/// The same as float32.
inline matrix::MemoryRows float_rows_of(const linalg::DenseMatrix& a) {
  return {std::vector<float>(a.values.begin(), a.values.end()), a.rows, a.cols};
}

inline linalg::DenseMatrix minus(linalg::DenseMatrix a, const linalg::DenseMatrix& b) {
  for (std::size_t i = 0; i < a.values.size(); ++i) a.values[i] -= b.values[i];
  return a;
}

/// |A - B|_2.
inline double spectral_distance(const linalg::DenseMatrix& a, const linalg::DenseMatrix& b) {
  return linalg::dense_svd(minus(a, b)).sigma.front();
}

}  // namespace hadal::dist

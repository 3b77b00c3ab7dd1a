#include "core/linalg/lanczos.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/error.h"
#include "core/base/random.h"
#include "core/linalg/dense.h"

namespace hadal::linalg {
namespace {

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

void add_multiple(double factor, const std::vector<double>& a, std::vector<double>& to) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += factor * a[i];
}

void scale(double factor, std::vector<double>& a) {
  for (double& x : a) x *= factor;
}

}  // namespace

EigenPair largest_eigen(
    std::int64_t n, const std::function<std::vector<double>(const std::vector<double>&)>& multiply,
    int steps) {
  HADAL_CHECK(n > 0 && steps > 0);
  std::vector<double> next(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < next.size(); ++i)
    next[i] = random::normal({1, random::Purpose::kTestMatrix}, i);
  scale(1 / std::sqrt(dot(next, next)), next);

  std::vector<std::vector<double>> basis;
  std::vector<double> diagonal, beside;  // of the tridiagonal matrix
  while (static_cast<std::int64_t>(basis.size()) < std::min<std::int64_t>(n, steps)) {
    basis.push_back(next);
    next = multiply(basis.back());
    const double length = std::sqrt(dot(next, next));
    diagonal.push_back(dot(next, basis.back()));
    for (int twice = 0; twice < 2; ++twice)
      for (const auto& q : basis) add_multiple(-dot(next, q), q, next);
    beside.push_back(std::sqrt(dot(next, next)));
    // What is left is rounding: the basis spans an invariant space.
    if (!(beside.back() > 1e-14 * length)) break;
    scale(1 / beside.back(), next);
  }

  const auto size = static_cast<std::int64_t>(basis.size());
  DenseMatrix tridiagonal(size, size);
  for (std::int64_t i = 0; i < size; ++i) {
    tridiagonal(i, i) = diagonal[static_cast<std::size_t>(i)];
    if (i + 1 < size)
      tridiagonal(i, i + 1) = tridiagonal(i + 1, i) = beside[static_cast<std::size_t>(i)];
  }
  const SymmetricEigen eigen = symmetric_eigen(tridiagonal);
  EigenPair pair{eigen.values[0], std::vector<double>(static_cast<std::size_t>(n))};
  for (std::int64_t i = 0; i < size; ++i)
    add_multiple(eigen.vectors(i, 0), basis[static_cast<std::size_t>(i)], pair.vector);
  scale(1 / std::sqrt(dot(pair.vector, pair.vector)), pair.vector);
  return pair;
}

}  // namespace hadal::linalg

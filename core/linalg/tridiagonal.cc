// Every loop is a chain of divisions, so eight eigenvalues are worked on side by side.
#include "core/linalg/tridiagonal.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/base/error.h"
#include "core/linalg/dense.h"

namespace hadal::linalg {
namespace {

constexpr std::size_t kLanes = 8;
using Lanes = std::array<double, kLanes>;
using Counts = std::array<std::uint64_t, kLanes>;
using Pair = double __attribute__((vector_size(16)));
using PairOfCounts = std::int64_t __attribute__((vector_size(16)));

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
constexpr double kSmallest = std::numeric_limits<double>::min();
constexpr int kHalvings = 54;                // of an interval that holds all eigenvalues
constexpr double kResidual = 64 * kEpsilon;  // allowed, of |T|
constexpr double kOverlap = 1e-2;  // allowed of a vector with all others, before it is taken out

class Tridiagonal {
 public:
  Tridiagonal(std::span<const double> d, std::span<const double> e) : d_(d), e_(e) {
    for (std::size_t i = 0; i < d.size(); ++i) {
      const double beside = (i > 0 ? std::abs(e[i - 1]) : 0) + (i < e.size() ? std::abs(e[i]) : 0);
      low_ = std::min(low_, d[i] - beside);
      high_ = std::max(high_, d[i] + beside);
    }
    norm_ = std::max(std::abs(low_), std::abs(high_));
    least_ = std::max(norm_ * 0x1p-500, kSmallest);
    // Not 0, so that a pivot of 0 is followed by no NaN; nothing beside |T|^2, see below.
    for (const double x : e) square_.push_back(std::max(x * x, kSmallest));
    square_.push_back(kSmallest);
  }

  double norm() const { return norm_; }

  // Of the kLanes largest from `first` on, right to some rounding errors of |T|.
  Lanes values(std::size_t first) const {
    Lanes low, high, middle = {};
    low.fill(low_);
    high.fill(high_);
    for (int step = 0; step < kHalvings; ++step) {
      for (std::size_t l = 0; l < kLanes; ++l) middle[l] = low[l] + (high[l] - low[l]) / 2;
      const Counts below = count_below(middle);
      for (std::size_t l = 0; l < kLanes; ++l)
        (below[l] + first + l < d_.size() ? low : high)[l] = middle[l];
    }
    return middle;
  }

  // Unit vectors, as rows [first, first + count) of `rows`; false where a residual is too large.
  //
  // T - x = L D L^T from the top and U D' U^T from the bottom; where they meet in row r the pivot
  // is gamma_r = D_r + D'_r - (d_r - x), and z with z_r = 1 solves (T - x) z = gamma_r e_r.
  bool vectors(const Lanes& x, std::size_t first, std::size_t count, DenseMatrix& rows) const {
    const std::size_t n = d_.size();
    std::vector<Lanes> top(n), bottom(n);
    Lanes q = kBeforeTheFirst;
    for (std::size_t i = 0; i < n; ++i) {
      next_pivots(d_[i], x, i > 0 ? square_[i - 1] : 0, q);
      top[i] = q = without_zeros(q);
    }
    q = kBeforeTheFirst;
    for (std::size_t i = n; i-- > 0;) {
      next_pivots(d_[i], x, square_[i], q);
      bottom[i] = q = without_zeros(q);
    }
    for (std::size_t l = 0; l < count; ++l) {
      std::size_t r = 0;
      double least = INFINITY;
      for (std::size_t i = 0; i < n; ++i) {
        const double gamma = std::abs(top[i][l] + bottom[i][l] - (d_[i] - x[l]));
        if (gamma < least) least = gamma, r = i;
      }
      const std::span<double> v = rows.row(static_cast<std::int64_t>(first + l));
      v[r] = 1;
      for (std::size_t i = r; i-- > 0;) v[i] = -e_[i] / top[i][l] * v[i + 1];
      for (std::size_t i = r + 1; i < n; ++i) v[i] = -e_[i - 1] / bottom[i][l] * v[i - 1];
      if (!normalise(v) || !(residual(v, x[l]) <= kResidual * norm_)) return false;
    }
    return true;
  }

 private:
  static constexpr Lanes kBeforeTheFirst = {1, 1, 1, 1, 1, 1, 1, 1};

  // From the pivots of one row to those of the next; 0 is followed by an infinity, that by d - x.
  static void next_pivots(double d, const Lanes& x, double square, Lanes& q) {
    for (std::size_t l = 0; l < kLanes; ++l) q[l] = (d - x[l]) - square / q[l];
  }

  // z is divided by the pivots, one of which may vanish where z passes through zero.
  Lanes without_zeros(Lanes q) const {
    for (double& pivot : q) pivot = std::abs(pivot) < least_ ? least_ : pivot;
    return q;
  }

  // How many eigenvalues are below x: as many as pivots of T - x are negative.
  Counts count_below(const Lanes& x) const {
    // As vectors: compilers make none of the loop over lanes with a comparison in it.
    std::array<Pair, kLanes / 2> at, q;
    std::array<PairOfCounts, kLanes / 2> negative = {};
    std::memcpy(at.data(), x.data(), sizeof(x));
    q.fill(Pair{1, 1});
    double square = 0;
    for (std::size_t i = 0; i < d_.size(); ++i) {
      for (std::size_t p = 0; p < kLanes / 2; ++p) {
        q[p] = (d_[i] - at[p]) - square / q[p];
        negative[p] -= q[p] < 0;  // -1 where it is true
      }
      square = square_[i];
    }
    Counts below;
    std::memcpy(below.data(), negative.data(), sizeof(below));
    return below;
  }

  static bool normalise(std::span<double> v) {
    double square = 0;
    for (const double value : v) square += value * value;
    if (!std::isfinite(square)) return false;
    for (double& value : v) value /= std::sqrt(square);
    return true;
  }

  // |T v - x v|_2
  double residual(std::span<const double> v, double x) const {
    double square = 0;
    for (std::size_t i = 0; i < v.size(); ++i) {
      double r = (d_[i] - x) * v[i];
      if (i > 0) r += e_[i - 1] * v[i - 1];
      if (i < e_.size()) r += e_[i] * v[i + 1];
      square += r * r;
    }
    return std::sqrt(square);
  }

  std::span<const double> d_, e_;
  std::vector<double> square_;  // of e, and one more
  double low_ = INFINITY, high_ = -INFINITY, norm_ = 0, least_ = 0;
};

}  // namespace

std::optional<TridiagonalEigen> leading_tridiagonal(std::span<const double> d,
                                                    std::span<const double> e, std::int64_t k) {
  const auto n = static_cast<std::int64_t>(d.size());
  HADAL_CHECK(k >= 1 && k <= n && e.size() + 1 == d.size());
  const Tridiagonal t(d, e);
  if (!(t.norm() > 0x1p-400 && t.norm() < 0x1p400)) return std::nullopt;
  TridiagonalEigen eigen{{}, DenseMatrix(k, n)};
  for (std::int64_t first = 0; first < k; first += kLanes) {
    const auto from = static_cast<std::size_t>(first);
    const std::size_t count = std::min(kLanes, static_cast<std::size_t>(k - first));
    const Lanes values = t.values(from);
    if (!t.vectors(values, from, count, eigen.vectors)) return std::nullopt;
    eigen.values.insert(eigen.values.end(), values.begin(),
                        values.begin() + static_cast<std::ptrdiff_t>(count));
  }
  // Vectors of near eigenvalues lean towards each other by eps |T| / their distance, and what is
  // put right turns them by that much within the plane where both are nearly eigenvectors.
  const DenseMatrix products = multiply_transposed_right(eigen.vectors, eigen.vectors);
  for (std::int64_t i = 0; i < k; ++i)
    for (std::int64_t j = 0; j < i; ++j)
      if (!(std::abs(products(i, j)) <= kOverlap / static_cast<double>(k))) return std::nullopt;
  const std::optional<DenseMatrix> root = cholesky(products);
  if (!root) return std::nullopt;
  eigen.vectors = solve_upper_transposed(*root, eigen.vectors);
  return eigen;
}

}  // namespace hadal::linalg

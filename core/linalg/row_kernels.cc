#include "core/linalg/row_kernels.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/base/error.h"

namespace hadal::linalg {
namespace {

template <typename From>
const From* row_of(const RowBlock& t, std::int64_t i) {
  return static_cast<const From*>(t.data) + i * t.stride;
}

// t = (a - shift) * factor, in From's or Real's precision, whichever is higher.
template <typename From, typename Real>
void convert_row(const From* from, std::int64_t n, const std::vector<Real>& shift,
                 const std::vector<Real>& factor, Real* to) {
  using Wide = decltype(From{} + Real{});
  for (std::int64_t j = 0; j < n; ++j) {
    const auto c = static_cast<std::size_t>(j);
    Wide value = static_cast<Wide>(from[j]);
    if (!shift.empty()) value -= shift[c];
    if (!factor.empty()) value *= factor[c];
    to[j] = static_cast<Real>(value);
  }
}

template <typename Real>
Real chain(Real t, Real x, Real sum) {
  return std::fma(t, x, sum);
}

// Whether a Gram matrix of these elements is one of whole numbers, wanted in whole numbers.
bool exact(const RowBlock& t, bool mapped, const FixedPointSum& g) {
  return t.element == matrix::Element::kU8 && !mapped && g.exponent() == 0;
}

// Adds products of pixels over i < depth, exactly: 2^62 would take 7e13 rows, so nothing is noted;
// pixel (i, k) lies at i * along + k * across.
void add_exact_gram(const std::uint8_t* pixels, std::int64_t depth, std::int64_t along,
                    std::int64_t n, std::int64_t across, FixedPointSum& g) {
  HADAL_CHECK(depth < std::int64_t{1} << 16);
  std::int64_t* sums = g.words().data();
  for (std::int64_t i = 0; i < depth; ++i)
    for (std::int64_t k = 0; k < n; ++k)
      for (std::int64_t j = k; j < n; ++j)
        sums[packed_index(n, k, j)] +=
            pixels[i * along + k * across] * pixels[i * along + j * across];
}

template <typename From>
std::optional<Position> first_not_finite_of(const RowBlock& t) {
  for (std::int64_t i = 0; i < t.rows; ++i) {
    const From* row = row_of<From>(t, i);
    for (std::int64_t j = 0; j < t.cols; ++j)
      if (!std::isfinite(row[j])) return Position{i, j};
  }
  return std::nullopt;
}

}  // namespace

Isa best_isa() { return Isa::kScalar; }

template <typename Real>
PackedMatrix<Real>::PackedMatrix(const DenseMatrix& x, std::span<const double> c)
    : rows_(x.rows),
      cols_(x.cols),
      values_(x.values.begin(), x.values.end()),
      start_(static_cast<std::size_t>(x.cols)) {
  if (!c.empty() && static_cast<std::int64_t>(c.size()) != cols_)
    throw ShapeError(
        fmt::format("row kernels: c has {} values, X is {}x{}", c.size(), rows_, cols_));
  for (std::size_t j = 0; j < c.size(); ++j) start_[j] = static_cast<Real>(-c[j]);
}

template <typename Real>
struct RowKernels<Real>::Scratch {
  std::vector<Real> tile, y, panel;
};

template <typename Real>
RowKernels<Real>::RowKernels(std::int64_t n, ColumnMap map, Isa isa)
    : n_(n),
      shift_(map.shift.begin(), map.shift.end()),
      factor_(map.factor.begin(), map.factor.end()),
      isa_(isa),
      scratch_(std::make_unique<Scratch>()) {
  for (const std::size_t size : {shift_.size(), factor_.size()})
    if (size != 0 && static_cast<std::int64_t>(size) != n)
      throw ShapeError(
          fmt::format("row kernels: a column map of {} values for {} columns", size, n));
}

template <typename Real>
RowKernels<Real>::~RowKernels() = default;
template <typename Real>
RowKernels<Real>::RowKernels(RowKernels&&) noexcept = default;

template <typename Real>
const Real* RowKernels<Real>::converted(const RowBlock& t, std::int64_t first, std::int64_t rows,
                                        std::int64_t* stride) {
  if (t.cols != n_)
    throw ShapeError(fmt::format("row kernels: rows of {} columns, wanted {}", t.cols, n_));
  scratch_->tile.resize(static_cast<std::size_t>(rows * n_));
  for (std::int64_t i = 0; i < rows; ++i) {
    Real* const to = scratch_->tile.data() + i * n_;
    switch (t.element) {
      case matrix::Element::kU8:
        convert_row(row_of<std::uint8_t>(t, first + i), n_, shift_, factor_, to);
        break;
      case matrix::Element::kF32:
        convert_row(row_of<float>(t, first + i), n_, shift_, factor_, to);
        break;
      case matrix::Element::kF64:
        convert_row(row_of<double>(t, first + i), n_, shift_, factor_, to);
        break;
    }
  }
  *stride = n_;
  return scratch_->tile.data();
}

template <typename Real>
void RowKernels<Real>::apply(const RowBlock& t, const PackedMatrix<Real>& x, Real* y) {
  if (x.rows_ != n_)
    throw ShapeError(fmt::format("row kernels: X is {}x{} for {} columns", x.rows_, x.cols_, n_));
  const std::int64_t l = x.cols_;
  for (std::int64_t i = 0; i < t.rows; ++i) {
    std::int64_t stride = 0;
    const Real* row = converted(t, i, 1, &stride);
    Real* const out = y + i * l;
    std::ranges::copy(x.start_, out);
    for (std::int64_t k = 0; k < n_; ++k)
      for (std::int64_t j = 0; j < l; ++j)
        out[j] = chain(row[k], x.values_[static_cast<std::size_t>(k * l + j)], out[j]);
  }
}

template <typename Real>
void RowKernels<Real>::fused(const RowBlock& t, const PackedMatrix<Real>& x, FixedPointSum& s,
                             Real* y) {
  HADAL_CHECK(t.rows <= kGroupRows);
  const std::int64_t l = x.cols_;
  HADAL_CHECK(s.size() == n_ * l);
  scratch_->y.resize(static_cast<std::size_t>(t.rows * l));
  apply(t, x, scratch_->y.data());
  if (y != nullptr) std::ranges::copy(scratch_->y, y);
  std::int64_t stride = 0;
  const Real* tile = converted(t, 0, t.rows, &stride);
  scratch_->panel.assign(static_cast<std::size_t>(n_ * l), 0);
  for (std::int64_t i = 0; i < t.rows; ++i)
    for (std::int64_t k = 0; k < n_; ++k)
      for (std::int64_t j = 0; j < l; ++j) {
        Real& sum = scratch_->panel[static_cast<std::size_t>(k * l + j)];
        sum = chain(tile[i * stride + k], scratch_->y[static_cast<std::size_t>(i * l + j)], sum);
      }
  s.add(0, std::span<const Real>(scratch_->panel));
}

template <typename Real>
void RowKernels<Real>::gram(const RowBlock& t, FixedPointSum& g) {
  HADAL_CHECK(g.size() == packed_size(n_));
  if (exact(t, !shift_.empty() || !factor_.empty(), g))
    return add_exact_gram(row_of<std::uint8_t>(t, 0), t.rows, t.stride, n_, 1, g);
  std::int64_t stride = 0;
  const Real* tile = converted(t, 0, t.rows, &stride);
  auto& sums = scratch_->panel;
  sums.assign(static_cast<std::size_t>(packed_size(n_)), 0);
  for (std::int64_t i = 0; i < t.rows; ++i)
    for (std::int64_t k = 0; k < n_; ++k)
      for (std::int64_t j = k; j < n_; ++j) {
        Real& sum = sums[static_cast<std::size_t>(packed_index(n_, k, j))];
        sum = chain(tile[i * stride + k], tile[i * stride + j], sum);
      }
  g.add(0, std::span<const Real>(sums));
}

template <typename Real>
void RowKernels<Real>::row_gram(const RowBlock& p, FixedPointSum& g) {
  HADAL_CHECK(g.size() == packed_size(p.rows));
  if (exact(p, !shift_.empty() || !factor_.empty(), g))
    return add_exact_gram(row_of<std::uint8_t>(p, 0), n_, 1, p.rows, p.stride, g);
  std::int64_t stride = 0;
  const Real* tile = converted(p, 0, p.rows, &stride);
  auto& sums = scratch_->panel;
  sums.assign(static_cast<std::size_t>(packed_size(p.rows)), 0);
  for (std::int64_t i = 0; i < p.rows; ++i)
    for (std::int64_t j = i; j < p.rows; ++j) {
      Real& sum = sums[static_cast<std::size_t>(packed_index(p.rows, i, j))];
      for (std::int64_t k = 0; k < n_; ++k)
        sum = chain(tile[i * stride + k], tile[j * stride + k], sum);
    }
  g.add(0, std::span<const Real>(sums));
}

template <typename Real>
void RowKernels<Real>::apply_transposed(const RowBlock& p, const PackedMatrix<Real>& u, Real* y) {
  if (u.rows_ != p.rows)
    throw ShapeError(fmt::format("row kernels: U is {}x{} for {} rows", u.rows_, u.cols_, p.rows));
  const std::int64_t l = u.cols_;
  for (std::int64_t k = 0; k < n_; ++k) std::ranges::copy(u.start_, y + k * l);
  for (std::int64_t i = 0; i < p.rows; ++i) {
    std::int64_t stride = 0;
    const Real* row = converted(p, i, 1, &stride);
    for (std::int64_t k = 0; k < n_; ++k)
      for (std::int64_t j = 0; j < l; ++j)
        y[k * l + j] = chain(row[k], u.values_[static_cast<std::size_t>(i * l + j)], y[k * l + j]);
  }
}

template <typename Real>
void RowKernels<Real>::moments(const RowBlock& t, FixedPointSum& sums, FixedPointSum& squares) {
  HADAL_CHECK(sums.size() == n_ && squares.size() == n_);
  std::vector<double> sum(static_cast<std::size_t>(n_)), square(static_cast<std::size_t>(n_));
  for (std::int64_t i = 0; i < t.rows; ++i) {
    std::int64_t stride = 0;
    const Real* row = converted(t, i, 1, &stride);
    for (std::size_t k = 0; k < sum.size(); ++k) {
      const auto value = static_cast<double>(row[k]);
      sum[k] += value;
      square[k] = chain(value, value, square[k]);
    }
  }
  sums.add(0, std::span<const double>(sum));
  squares.add(0, std::span<const double>(square));
}

std::optional<Position> first_not_finite(const RowBlock& t) {
  switch (t.element) {
    case matrix::Element::kU8:
      return std::nullopt;
    case matrix::Element::kF32:
      return first_not_finite_of<float>(t);
    case matrix::Element::kF64:
      return first_not_finite_of<double>(t);
  }
  return std::nullopt;
}

template class PackedMatrix<float>;
template class PackedMatrix<double>;
template class RowKernels<float>;
template class RowKernels<double>;

}  // namespace hadal::linalg

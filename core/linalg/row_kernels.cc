#include "core/linalg/row_kernels.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/linalg/sum_words.h"

namespace hadal::linalg {
namespace {

constexpr std::int64_t kDepth = 128;            // rows of X that stay in the nearest cache: 32 KiB
constexpr std::int64_t kTileBytes = 256 << 10;  // of converted rows, beside X and S in the next one

constexpr std::int64_t kMostInPlace = 512;  // columns, so that a group stays in the next cache
constexpr std::int64_t kCrowding = 256;     // bytes: rows apart by multiples share too few sets

std::int64_t round_up(std::int64_t n, std::int64_t step) { return (n + step - 1) / step * step; }

template <typename Real>
struct AlignedZeros {
  alignas(64) Real values[kMaxVectors * kLanes<Real>] = {};
};

template <typename Real>
constexpr matrix::Element element_of() {
  return sizeof(Real) == 4 ? matrix::Element::kF32 : matrix::Element::kF64;
}

}  // namespace

Isa best_isa() {
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("bmi2"))
    return Isa::kAvx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return Isa::kAvx2;
  return Isa::kScalar;
}

std::vector<ColumnPanel> column_panels(std::int64_t cols, int lanes) {
  // AVX2 works on one vector at a time: it wants them without gaps, or steps of several lines crowd
  // into a few sets of the nearest cache.
  const int most = best_isa() == Isa::kAvx512 ? kMaxVectors : 1;
  const auto vectors = static_cast<int>((cols + lanes - 1) / lanes);
  const int panels = (vectors + most - 1) / most;
  std::vector<ColumnPanel> all;
  for (int done = 0, left = panels; left > 0; --left) {
    all.push_back({std::int64_t{done} * lanes, (vectors - done + left - 1) / left});
    done += all.back().vectors;
  }
  return all;
}

template <typename Real>
PackedMatrix<Real>::PackedMatrix(const DenseMatrix& x, std::span<const double> c)
    : rows_(x.rows),
      cols_(x.cols),
      padded_cols_(round_up(x.cols, kLanes<Real>)),
      panels_(column_panels(x.cols, kLanes<Real>)) {
  if (!c.empty() && static_cast<std::int64_t>(c.size()) != cols_)
    throw ShapeError(
        fmt::format("row kernels: c has {} values, X is {}x{}", c.size(), rows_, cols_));
  Real* const start = start_.reserve(padded_cols_);
  std::fill_n(start, padded_cols_, Real{0});
  for (std::size_t j = 0; j < c.size(); ++j) start[j] = static_cast<Real>(-c[j]);
  Real* to = values_.reserve(padded_cols_ * rows_);
  for (const ColumnPanel& panel : panels_)
    for (std::int64_t k = 0; k < rows_; ++k)
      for (std::int64_t j = panel.first; j < panel.first + panel.vectors * kLanes<Real>; ++j)
        *to++ = j < cols_ ? static_cast<Real>(x(k, j)) : Real{0};
}

template <typename Real>
RowKernels<Real>::RowKernels(std::int64_t n, ColumnMap map, Isa isa)
    : n_(n),
      shift_(map.shift.begin(), map.shift.end()),
      factor_(map.factor.begin(), map.factor.end()),
      isa_(isa),
      kernels_(kernels_of<Real>(isa)) {
  for (const std::size_t size : {shift_.size(), factor_.size()})
    if (size != 0 && static_cast<std::int64_t>(size) != n)
      throw ShapeError(
          fmt::format("row kernels: a column map of {} values for {} columns", size, n));
}

template <typename Real>
Mapping<Real> RowKernels<Real>::mapping() const {
  return {shift_.empty() ? nullptr : shift_.data(), factor_.empty() ? nullptr : factor_.data()};
}

template <typename Real>
std::int64_t RowKernels<Real>::tile_rows() const {
  const std::int64_t rows =
      kTileBytes / static_cast<std::int64_t>(sizeof(Real)) / std::max<std::int64_t>(n_, 1);
  return std::clamp<std::int64_t>(rows / 6 * 6, 48, kGroupRows);
}

template <typename Real>
bool RowKernels<Real>::needs_no_conversion(const RowBlock& t) const {
  return t.element == element_of<Real>() && shift_.empty() && factor_.empty();
}

template <typename Real>
typename RowKernels<Real>::Tile RowKernels<Real>::tile(const RowBlock& t, std::int64_t first,
                                                       std::int64_t rows) {
  if (t.cols != n_)
    throw ShapeError(fmt::format("row kernels: rows of {} columns, wanted {}", t.cols, n_));
  if (needs_no_conversion(t))
    return {row_of<Real>(t, first), t.stride, bytes_ahead_of(t, first + rows) != nullptr};
  // An odd number of cache lines, so that a column's elements do not fight for one place.
  const std::int64_t stride = (round_up(n_, kLanes<Real>) / kLanes<Real> | 1) * kLanes<Real>;
  Real* const to = tile_.reserve(rows * stride);
  for (std::int64_t i = 0; i < rows; ++i)
    kernels_.convert(t, first + i, 0, n_, mapping(), to + i * stride);
  return {to, stride, false};
}

// y: panel after panel of X, each rows x its columns.
template <typename Real>
void RowKernels<Real>::multiply(const Tile& t, std::int64_t rows, const PackedMatrix<Real>& x,
                                Real* y) {
  const std::int64_t next = t.goes_on ? tile_rows() * t.stride : 0;
  for (const auto& panel : x.panels_) {
    const std::int64_t width = panel.vectors * kLanes<Real>;
    Real* const to = y + panel.first * rows;
    if (x.rows_ == 0)
      for (std::int64_t i = 0; i < rows; ++i) std::copy_n(x.start(panel), width, to + i * width);
    for (std::int64_t k = 0; k < x.rows_; k += kDepth)
      kernels_.multiply({.rows = rows,
                         .depth = std::min(kDepth, x.rows_ - k),
                         .a = t.values + k,
                         .a_row = t.stride,
                         .a_step = 1,
                         .b = x.values(panel) + k * width,
                         .b_step = width,
                         .vectors = panel.vectors,
                         .ahead = k + kDepth < x.rows_ ? kDepth
                                  : next > 0           ? next - k
                                                       : 0},
                        k == 0 ? x.start(panel) : nullptr, to);
  }
}

// From panels to rows without gaps.
template <typename Real>
void RowKernels<Real>::unpack(const PackedMatrix<Real>& x, const Real* panels, std::int64_t rows,
                              Real* y) {
  for (const auto& panel : x.panels_) {
    const std::int64_t width = panel.vectors * kLanes<Real>;
    const std::int64_t count = std::min(width, x.cols_ - panel.first);
    for (std::int64_t i = 0; i < rows; ++i)
      std::copy_n(panels + panel.first * rows + i * width, count, y + i * x.cols_ + panel.first);
  }
}

template <typename Real>
void RowKernels<Real>::apply(const RowBlock& t, const PackedMatrix<Real>& x, Real* y) {
  if (x.rows_ != n_)
    throw ShapeError(fmt::format("row kernels: X is {}x{} for {} columns", x.rows_, x.cols_, n_));
  const std::int64_t most = tile_rows();
  Real* const panels = y_.reserve(most * x.padded_cols());
  for (std::int64_t i = 0; i < t.rows; i += most) {
    const std::int64_t rows = std::min(most, t.rows - i);
    multiply(tile(t, i, rows), rows, x, panels);
    unpack(x, panels, rows, y + i * x.cols_);
  }
}

template <typename Real>
void RowKernels<Real>::fused(const RowBlock& t, const PackedMatrix<Real>& x, FixedPointSum& s,
                             Real* y) {
  HADAL_CHECK(t.rows <= kGroupRows && s.size() == n_ * x.cols_);
  if (x.rows_ != n_)
    throw ShapeError(fmt::format("row kernels: X is {}x{} for {} columns", x.rows_, x.cols_, n_));
  const std::int64_t most = tile_rows();
  Real* const panels = y_.reserve(most * x.padded_cols());
  Real* const sums = sums_.reserve(n_ * x.padded_cols());
  const AlignedZeros<Real> zeros;
  Magnitude largest;
  for (std::int64_t i = 0; i < t.rows; i += most) {
    const std::int64_t rows = std::min(most, t.rows - i);
    const Tile part = tile(t, i, rows);
    multiply(part, rows, x, panels);
    if (y != nullptr) unpack(x, panels, rows, y + i * x.cols_);
    for (const auto& panel : x.panels_) {
      const BlockProduct<Real> product{
          .rows = n_,
          .depth = rows,
          .a = part.values,
          .a_row = 1,
          .a_step = part.stride,
          .b = panels + panel.first * rows,
          .b_step = panel.vectors * kLanes<Real>,
          .vectors = panel.vectors,
          .next = panel.first == 0 ? bytes_ahead_of(t, i + rows) : nullptr,
          .next_bytes = byte_count(t, most)};
      Real* const partial = sums + panel.first * n_;
      if (i + rows < t.rows)
        kernels_.multiply(product, i == 0 ? zeros.values : nullptr, partial);
      else
        largest.meet(kernels_.add(product, i == 0 ? nullptr : partial,
                                  {.sum = &s, .cols = x.cols_, .first_col = panel.first}));
    }
  }
  s.note(largest.value);
}

// G += the Gram matrix of n columns, each `depth` long, as they lie in the panels.
template <typename Real>
void RowKernels<Real>::add_gram(const GramPanels<Real>& panels, FixedPointSum& g,
                                bool whole_numbers) {
  constexpr std::int64_t kVector = kLanes<Real>;
  constexpr std::int64_t kWidth = GramPanels<Real>::kWidth;
  const std::int64_t n = panels.columns();
  Magnitude largest;
  const auto add = [&](std::int64_t k, std::int64_t rows, std::int64_t j, std::int64_t end) {
    BlockProduct<Real> product = panels.product(k, j);
    product.rows = rows;
    product.vectors = static_cast<int>((end - j + kVector - 1) / kVector);
    largest.meet(
        kernels_.add(product, nullptr,
                     {.sum = &g, .cols = n, .first_row = k, .first_col = j, .triangle = true}));
  };
  for (std::int64_t j = 0; j < n; j += kWidth) {
    const std::int64_t end = std::min(j + kWidth, n);
    for (std::int64_t k = 0; k < j; k += kWidth) add(k, kWidth, j, end);
    for (std::int64_t k = j; k < end; k += kVector) add(k, std::min(kVector, end - k), k, end);
  }
  if (!whole_numbers) g.note(largest.value);
}

// Products of pixels are whole numbers, and 256 of them add up to less than 2^24: the chains are
// exact. 2^62 would take 7e13 rows, so nothing need be noted.
template <typename Real>
bool RowKernels<Real>::sums_whole_numbers(const RowBlock& t, const FixedPointSum& g) const {
  return t.element == matrix::Element::kU8 && shift_.empty() && factor_.empty() &&
         g.exponent() == 0;
}

template <typename Real>
void RowKernels<Real>::gram(const RowBlock& t, FixedPointSum& g) {
  if (t.cols != n_)
    throw ShapeError(fmt::format("row kernels: rows of {} columns, wanted {}", t.cols, n_));
  HADAL_CHECK(g.size() == packed_size(n_));
  const bool whole_numbers = sums_whole_numbers(t, g);
  HADAL_CHECK(whole_numbers || t.rows <= kGroupRows);
  if (whole_numbers && isa_ == Isa::kAvx512 && has_pixel_gram())
    return add_pixel_gram({.data = row_of<std::uint8_t>(t, 0),
                           .depth = t.rows,
                           .along = t.stride,
                           .n = n_,
                           .across = 1},
                          g, pixels_);
  for (std::int64_t first = 0; first < t.rows; first += kGroupRows) {
    const std::int64_t rows = std::min(kGroupRows, t.rows - first);
    GramPanels<Real> panels(rows, n_, panels_);
    if (needs_no_conversion(t) && n_ <= kMostInPlace && byte_count(t, 1) % kCrowding != 0)
      panels.leave_in_place(row_of<Real>(t, first), t.stride, t.goes_on);
    const std::int64_t from = panels.first_packed();
    Real* const row = tile_.reserve(n_);
    for (std::int64_t i = 0; i < rows && from < n_; ++i) {
      kernels_.convert(t, first + i, from, n_ - from, mapping(), row);
      panels.put_row(i, row);
    }
    add_gram(panels, g, whole_numbers);
  }
}

template <typename Real>
void RowKernels<Real>::row_gram(const RowBlock& p, FixedPointSum& g) {
  if (p.cols != n_)
    throw ShapeError(fmt::format("row kernels: rows of {} columns, wanted {}", p.cols, n_));
  HADAL_CHECK(g.size() == packed_size(p.rows));
  const bool whole_numbers = sums_whole_numbers(p, g);
  HADAL_CHECK(whole_numbers || n_ <= kGroupRows);
  if (whole_numbers && isa_ == Isa::kAvx512 && has_pixel_gram())
    return add_pixel_gram({.data = row_of<std::uint8_t>(p, 0),
                           .depth = n_,
                           .along = 1,
                           .n = p.rows,
                           .across = p.stride},
                          g, pixels_);
  Real* const row = tile_.reserve(kGroupRows);
  for (std::int64_t first = 0; first < n_; first += kGroupRows) {
    const std::int64_t depth = std::min(kGroupRows, n_ - first);
    GramPanels<Real> panels(depth, p.rows, panels_);
    for (std::int64_t i = 0; i < panels.padded_columns(); ++i) {
      if (i < p.rows) kernels_.convert(p, i, first, depth, mapping(), row);
      panels.put_column(i, row);
    }
    add_gram(panels, g, whole_numbers);
  }
}

template <typename Real>
typename RowKernels<Real>::Moments RowKernels<Real>::moments_of(const RowBlock& t) {
  const auto n = static_cast<std::size_t>(n_);
  Moments of{std::vector<double>(n), std::vector<double>(n)};
  for (std::int64_t i = 0; i < t.rows; ++i)
    kernels_.add_moments(tile(t, i, 1).values, n_, of.sums.data(), of.squares.data());
  return of;
}

template <typename Real>
void RowKernels<Real>::moments(const RowBlock& t, FixedPointSum& sums, FixedPointSum& squares) {
  HADAL_CHECK(sums.size() == n_ && squares.size() == n_);
  const Moments of = moments_of(t);
  sums.add(0, std::span<const double>(of.sums));
  squares.add(0, std::span<const double>(of.squares));
}

template <typename Real>
void RowKernels<Real>::squares(const RowBlock& t, FixedPointSum& squares) {
  HADAL_CHECK(squares.size() == n_);
  squares.add(0, std::span<const double>(moments_of(t).squares));
}

namespace {

template <typename From>
std::optional<Position> first_not_finite_of(const RowBlock& t) {
  for (std::int64_t i = 0; i < t.rows; ++i) {
    const From* row = row_of<From>(t, i);
    // x - x is 0 for what is finite, NaN for the rest; the chains of a row vectorise.
    constexpr int kChains = 16;
    From sums[kChains] = {};
    std::int64_t j = 0;
    for (; j + kChains <= t.cols; j += kChains)
      for (int c = 0; c < kChains; ++c) sums[c] += row[j + c] - row[j + c];
    bool finite = true;
    for (const From sum : sums) finite = finite && sum == 0;
    for (; j < t.cols; ++j) finite = finite && std::isfinite(row[j]);
    if (!finite)
      for (j = 0; j < t.cols; ++j)
        if (!std::isfinite(row[j])) return Position{i, j};
  }
  return std::nullopt;
}

}  // namespace

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

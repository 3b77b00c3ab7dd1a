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

// Columns in a panel of a Gram matrix: with 8 rows beside them they fill the registers.
template <typename Real>
constexpr std::int64_t kGramWidth = 3 * kLanes<Real>;
constexpr std::int64_t kMostInPlace = 512;  // columns, so that a group stays in the next cache

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
  if (needs_no_conversion(t)) return {row_of<Real>(t, first), t.stride};
  // An odd number of cache lines, so that a column's elements do not fight for one place.
  const std::int64_t stride = (round_up(n_, kLanes<Real>) / kLanes<Real> | 1) * kLanes<Real>;
  Real* const to = tile_.reserve(rows * stride);
  for (std::int64_t i = 0; i < rows; ++i)
    kernels_.convert(t, first + i, 0, n_, mapping(), to + i * stride);
  return {to, stride};
}

// y: panel after panel of X, each rows x its columns.
template <typename Real>
void RowKernels<Real>::multiply(const Tile& t, std::int64_t rows, const PackedMatrix<Real>& x,
                                Real* y) {
  // Nothing lies behind converted rows, and asking for pages that are not there takes long.
  const std::int64_t next = t.values == tile_.data() ? 0 : tile_rows() * t.stride;
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
      const BlockProduct<Real> product{.rows = n_,
                                       .depth = rows,
                                       .a = part.values,
                                       .a_row = 1,
                                       .a_step = part.stride,
                                       .b = panels + panel.first * rows,
                                       .b_step = panel.vectors * kLanes<Real>,
                                       .vectors = panel.vectors,
                                       .next = panel.first == 0 ? bytes_of(t, i + rows) : nullptr,
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

// G += the Gram matrix of n columns, each `depth` long; columns k .. lie in panel(k).
template <typename Real>
template <typename PanelOf>
void RowKernels<Real>::add_gram(std::int64_t depth, std::int64_t n, FixedPointSum& g,
                                bool whole_numbers, const PanelOf& panel) {
  constexpr std::int64_t kVector = kLanes<Real>;
  Magnitude largest;
  const auto add = [&](std::int64_t k, std::int64_t rows, std::int64_t j, std::int64_t end) {
    const Tile left = panel(k), right = panel(j);
    largest.meet(kernels_.add(
        {.rows = rows,
         .depth = depth,
         .a = left.values,
         .a_row = 1,
         .a_step = left.stride,
         .b = right.values,
         .b_step = right.stride,
         .vectors = static_cast<int>((end - j + kVector - 1) / kVector),
         .ahead = left.stride == kGramWidth<Real> ? 0 : depth * left.stride},
        nullptr, {.sum = &g, .cols = n, .first_row = k, .first_col = j, .triangle = true}));
  };
  for (std::int64_t j = 0; j < n; j += kGramWidth<Real>) {
    const std::int64_t end = std::min(j + kGramWidth<Real>, n);
    for (std::int64_t k = 0; k < j; k += kGramWidth<Real>) add(k, kGramWidth<Real>, j, end);
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
  constexpr std::int64_t kWidth = kGramWidth<Real>;
  const std::int64_t most = std::min(t.rows, kGroupRows);
  Real* const panels = panels_.reserve(round_up(n_, kWidth) * most);
  // The last panel is filled up with zeros; the others may do where they are.
  const bool in_place = needs_no_conversion(t) && n_ <= kMostInPlace;
  const std::int64_t packed = in_place ? n_ / kWidth * kWidth : 0;
  for (std::int64_t first = 0; first < t.rows; first += kGroupRows) {
    const std::int64_t rows = std::min(kGroupRows, t.rows - first);
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t k = packed; k < n_; k += kWidth) {
        Real* const to = panels + k * rows + i * kWidth;
        const std::int64_t count = std::min(kWidth, n_ - k);
        kernels_.convert(t, first + i, k, count, mapping(), to);
        std::fill(to + count, to + kWidth, Real{0});
      }
    add_gram(rows, n_, g, whole_numbers, [&](std::int64_t k) {
      if (k < packed) return Tile{row_of<Real>(t, first) + k, t.stride};
      return Tile{panels + k / kWidth * kWidth * rows + k % kWidth, kWidth};
    });
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
  constexpr std::int64_t kWidth = kGramWidth<Real>;
  Real* const panels = panels_.reserve(round_up(p.rows, kWidth) * std::min(n_, kGroupRows));
  Real* const row = tile_.reserve(kGroupRows);
  for (std::int64_t first = 0; first < n_; first += kGroupRows) {
    const std::int64_t depth = std::min(kGroupRows, n_ - first);
    for (std::int64_t i = 0; i < round_up(p.rows, kWidth); ++i) {
      Real* const to = panels + i / kWidth * kWidth * depth + i % kWidth;
      if (i < p.rows)
        kernels_.convert(p, i, first, depth, mapping(), row);
      else
        std::fill_n(row, depth, Real{0});
      for (std::int64_t k = 0; k < depth; ++k) to[k * kWidth] = row[k];
    }
    add_gram(depth, p.rows, g, whole_numbers, [&](std::int64_t k) {
      return Tile{panels + k / kWidth * kWidth * depth + k % kWidth, kWidth};
    });
  }
}

template <typename Real>
void RowKernels<Real>::apply_transposed(const RowBlock& p, const PackedMatrix<Real>& u, Real* y) {
  if (u.rows_ != p.rows)
    throw ShapeError(fmt::format("row kernels: U is {}x{} for {} rows", u.rows_, u.cols_, p.rows));
  Real* const panels = sums_.reserve(n_ * u.padded_cols());
  for (const auto& panel : u.panels_)
    for (std::int64_t j = 0; j < n_; ++j)
      std::copy_n(u.start(panel), panel.vectors * kLanes<Real>,
                  panels + panel.first * n_ + j * panel.vectors * kLanes<Real>);
  const std::int64_t most = tile_rows();
  for (std::int64_t i = 0; i < p.rows; i += most) {
    const std::int64_t rows = std::min(most, p.rows - i);
    const Tile part = tile(p, i, rows);
    for (const auto& panel : u.panels_)
      kernels_.multiply({.rows = n_,
                         .depth = rows,
                         .a = part.values,
                         .a_row = 1,
                         .a_step = part.stride,
                         .b = u.values(panel) + i * panel.vectors * kLanes<Real>,
                         .b_step = panel.vectors * kLanes<Real>,
                         .vectors = panel.vectors},
                        nullptr, panels + panel.first * n_);
  }
  unpack(u, panels, n_, y);
}

template <typename Real>
void RowKernels<Real>::moments(const RowBlock& t, FixedPointSum& sums, FixedPointSum& squares) {
  HADAL_CHECK(sums.size() == n_ && squares.size() == n_);
  std::vector<double> sum(static_cast<std::size_t>(n_)), square(static_cast<std::size_t>(n_));
  for (std::int64_t i = 0; i < t.rows; ++i) {
    kernels_.add_moments(tile(t, i, 1).values, n_, sum.data(), square.data());
  }
  sums.add(0, std::span<const double>(sum));
  squares.add(0, std::span<const double>(square));
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

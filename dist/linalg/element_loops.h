// Loops over the elements of a group as they lie, whatever their type: what is summed in float64
// and turned over before the kernels see it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "core/linalg/row_block.h"
#include "core/matrix/row_source.h"
#include "dist/linalg/row_pass.h"

namespace hadal::dist {

/// Calls `work` with the group's elements as what they are.
template <typename Work>
void with_elements(const Group& group, matrix::Element element, const Work& work) {
  switch (element) {
    case matrix::Element::kU8:
      return work(reinterpret_cast<const std::uint8_t*>(group.data));
    case matrix::Element::kF32:
      return work(reinterpret_cast<const float*>(group.data));
    case matrix::Element::kF64:
      return work(reinterpret_cast<const double*>(group.data));
  }
}

/// sum[j] += a(i, j), square[j] += a(i, j)^2 over `rows` rows of `cols` columns.
template <typename T>
void add_moments(const T* a, std::int64_t stride, std::int64_t rows, std::int64_t cols, double* sum,
                 double* square) {
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < cols; ++j) {
      const auto value = static_cast<double>(a[i * stride + j]);
      sum[j] += value;
      square[j] += value * value;
    }
}

/// Sums of the squares of n values in eight chains that are joined at the end.
template <typename Real>
double square_sum(const Real* values, std::int64_t n) {
  std::array<double, 8> chains{};
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (std::size_t lane = 0; lane < 8; ++lane) {
      const auto value = static_cast<double>(values[i + static_cast<std::int64_t>(lane)]);
      chains[lane] += value * value;
    }
  for (; i < n; ++i) chains[0] += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  double sum = 0;
  for (const double chain : chains) sum += chain;
  return sum;
}

inline double square_sum_of(const linalg::RowBlock& t) {
  double square = 0;
  with_elements({0, t.rows, static_cast<const std::byte*>(t.data), t.stride}, t.element,
                [&](const auto* a) {
                  for (std::int64_t i = 0; i < t.rows; ++i)
                    square += square_sum(a + i * t.stride, t.cols);
                });
  return square;
}

/// tile(j, i) = map(a(i, j), j), in squares that stay in cache.
template <typename T, typename Real, typename Map>
void turn(const T* a, std::int64_t stride, std::int64_t rows, std::int64_t cols, const Map& map,
          Real* tile) {
  constexpr std::int64_t kSquare = 16;
  for (std::int64_t i0 = 0; i0 < rows; i0 += kSquare)
    for (std::int64_t j0 = 0; j0 < cols; j0 += kSquare)
      for (std::int64_t j = j0; j < std::min(j0 + kSquare, cols); ++j)
        for (std::int64_t i = i0; i < std::min(i0 + kSquare, rows); ++i)
          tile[j * rows + i] =
              static_cast<Real>(map(a[i * stride + j], static_cast<std::size_t>(j)));
}

}  // namespace hadal::dist

// Loops over the elements of a group as they lie, whatever their type: what is summed in float64
// and turned over before the kernels see it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <xmmintrin.h>

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

/// to(j, i) = from(i, j) for four rows and columns; rows of `from` and `to` are so far apart.
inline void turn_four(const float* from, std::int64_t from_row, float* to, std::int64_t to_row) {
  __m128 a = _mm_loadu_ps(from), b = _mm_loadu_ps(from + from_row),
         c = _mm_loadu_ps(from + 2 * from_row), d = _mm_loadu_ps(from + 3 * from_row);
  _MM_TRANSPOSE4_PS(a, b, c, d);
  _mm_storeu_ps(to, a);
  _mm_storeu_ps(to + to_row, b);
  _mm_storeu_ps(to + 2 * to_row, c);
  _mm_storeu_ps(to + 3 * to_row, d);
}
inline void turn_four(const double* from, std::int64_t from_row, double* to, std::int64_t to_row) {
  for (std::int64_t j = 0; j < 4; ++j)
    for (std::int64_t i = 0; i < 4; ++i) to[j * to_row + i] = from[i * from_row + j];
}

/// tile(j, i) = map(a(i, j), j), in squares that stay in cache.
template <typename T, typename Real, typename Map>
void turn(const T* a, std::int64_t stride, std::int64_t rows, std::int64_t cols, const Map& map,
          Real* tile) {
  constexpr std::int64_t kSquare = 16;
  Real square[kSquare * kSquare];
  for (std::int64_t i0 = 0; i0 < rows; i0 += kSquare)
    for (std::int64_t j0 = 0; j0 < cols; j0 += kSquare) {
      const std::int64_t high = std::min(kSquare, rows - i0), wide = std::min(kSquare, cols - j0);
      for (std::int64_t i = 0; i < high; ++i) {
        // Rows lie far apart, so that nothing else fetches what comes next.
        __builtin_prefetch(a + (i0 + kSquare + i) * stride + j0);
        for (std::int64_t j = 0; j < wide; ++j)
          square[i * kSquare + j] = static_cast<Real>(
              map(a[(i0 + i) * stride + j0 + j], static_cast<std::size_t>(j0 + j)));
      }
      Real* const to = tile + j0 * rows + i0;
      if (high == kSquare && wide == kSquare) {
        for (std::int64_t j = 0; j < kSquare; j += 4)
          for (std::int64_t i = 0; i < kSquare; i += 4)
            turn_four(square + i * kSquare + j, kSquare, to + j * rows + i, rows);
        continue;
      }
      for (std::int64_t j = 0; j < wide; ++j)
        for (std::int64_t i = 0; i < high; ++i) to[j * rows + i] = square[i * kSquare + j];
    }
}

}  // namespace hadal::dist

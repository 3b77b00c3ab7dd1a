// The test matrix of the randomized range finder.
#pragma once

#include <cstdint>
#include <span>

#include "core/linalg/dense_matrix.h"

namespace hadal::linalg {

/// Which of the independent matrices of one seed.
struct GaussianStream {
  std::uint64_t seed = 1;
  std::uint32_t matrix = 0;  // 0: the first block X; others: later columns, probes
};

/// Writes columns [first_column, first_column + out.size()) of row `row` of a matrix of independent
/// N(0, 1) values with as many columns as one likes. Element (row, column) is a function of
/// (stream, row, column) alone: Philox counter (row, column / 4), then
///
///   x_{2i} = sqrt(-2 ln u_{2i}) cos(2 pi u_{2i+1}),  x_{2i+1} = ... sin(...),  u in (0, 1), 32
///   bits
///
/// (Box, Muller 1958), with logarithm, sine and cosine of our own in float64, right to 2e-15, for
/// the system's differ between systems. |x| <= 6.77. row < 2^32; first_column a multiple of 4.
void gaussian_row(const GaussianStream& stream, std::int64_t row, std::int64_t first_column,
                  std::span<double> out);

/// Rows 0 .. rows - 1, columns [first_column, first_column + cols).
DenseMatrix gaussian_matrix(const GaussianStream& stream, std::int64_t rows, std::int64_t cols,
                            std::int64_t first_column = 0);

}  // namespace hadal::linalg

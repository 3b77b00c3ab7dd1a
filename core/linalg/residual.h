// The pass that refines a least-squares solution: residuals and their products with A while a row
// is in the first cache. Its speed is that of memory.
#pragma once

#include <cstdint>
#include <span>

namespace hadal::linalg {

/// What one right-hand side gathers over rows.
struct ResidualSums {
  const double* x = nullptr;   // n
  double* gradient = nullptr;  // n; A^T (b - A x) is added
  double* square = nullptr;    // |b - A x|^2 is added
};

/// Rows of A (rows x n) and of B (rows x k), row-major without gaps. Right-hand sides beyond the k
/// of B are zeros: their square is |A x|^2.
/// The dot product with a row is 32 interleaved chains of fused multiply-adds, the gradient one
/// chain over the rows; the same bits with and without AVX-512.
void add_residuals(std::int64_t rows, std::int64_t n, const double* a, const double* b,
                   std::int64_t k, std::span<const ResidualSums> sums);

}  // namespace hadal::linalg

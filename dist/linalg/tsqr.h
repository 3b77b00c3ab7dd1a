// QR of a tall matrix whose rows are spread over ranks, by orthogonal transformations alone: stable
// for any condition number, where the Cholesky factor of A^T A is lost above 1e8.
//
// Every leaf of rows (row_fold.h) is reduced to a triangle by absorbing a few hundred rows at a
// time; two triangles one above the other become one (LAPACK's tpqrt, which leaves their zeros
// alone). Q is never formed: Q^T B comes along when B is appended to A as further columns, for
//
//   [A B] = Q [R  Q^T B]      and the column norms of R_B are |b_j - Q Q^T b_j|_2.
//             [0   R_B ]
//
// Source: Demmel, Grigori, Hoemmen, Langou 2012 (communication-avoiding QR), with a tree over rows
// instead of ranks, so that the bits do not depend on the number of ranks or threads.
#pragma once

#include <cstdint>
#include <vector>

#include "core/linalg/dense_matrix.h"
#include "dist/communicator.h"
#include "dist/linalg/double_rows.h"

namespace hadal::dist {

struct TsqrResult {
  linalg::DenseMatrix r;           // p x n upper triangular, p = min(m, n); R^T R = A^T A
  linalg::DenseMatrix qt_b;        // p x k: Q^T B
  std::vector<double> distance{};  // k: |b_j - Q Q^T b_j|_2
};

/// Collective; the result on rank 0, empty matrices on the others. A: m x n; B: m x k or null.
/// Where A has fewer rows than [A B] has columns, rank 0 takes all rows. Each thread holds a few (n
/// + k)^2. Throws NotFiniteError naming the first entry that is not finite, and what reading
/// throws.
TsqrResult tsqr(Communicator& comm, const DoubleRows& a, const DoubleRows* b, int threads);

/// How many rows make a leaf for nodes of about n^2 doubles: many enough that merging costs little.
std::int64_t rows_per_leaf(std::int64_t n);

}  // namespace hadal::dist

// The Moore-Penrose inverse of a matrix whose rows are spread over ranks.
//
//   A^+ = V S^-1 U^T    (n x m), A = U S V^T the thin SVD of numerical rank r
//
// is the only matrix X with A X A = A, X A X = X, (A X)^T = A X, (X A)^T = X A. Lecture notes that
// write V S U^T, without the inverse, give A^T. A^+ b is the shortest least-squares solution, and
// where A has full column rank A^+ = (A^T A)^-1 A^T.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/linalg/dense_matrix.h"
#include "core/matrix/row_source.h"
#include "dist/communicator.h"
#include "dist/linalg/tall_svd.h"

namespace hadal::dist {

/// Columns [first, first + columns.rows) of A^+, one a row of `columns` (count x n): what the same
/// rows of A become. On several threads.
using TakeColumns = std::function<void(std::int64_t first, const linalg::DenseMatrix& columns)>;

/// Collective; gives every column once, each on the rank that has the row of A, and holds no more
/// than a few of them at a time. Reads A once. An error bound: |computed - A^+| is about
/// eps k(A) |A^+|, and so are the four conditions' residuals relative to their terms.
void pseudo_inverse(Communicator& comm, const TallSvd& svd, const TakeColumns& take);

}  // namespace hadal::dist

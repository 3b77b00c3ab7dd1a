// From what the finish of an SVD found to what its caller gets: components with deterministic
// signs, and scores handed out row by row.
#pragma once

#include <vector>

#include "core/linalg/dense_matrix.h"
#include "core/matrix/row_source.h"
#include "dist/communicator.h"
#include "dist/linalg/svd.h"
#include "dist/linalg/tall_matrix.h"

namespace hadal::dist {

/// T v = Y combination, Y being that of T's last project(); the first sigma.size() columns of both
/// are wanted.
struct Factors {
  const linalg::DenseMatrix& v;  // right singular vectors of T as columns
  const linalg::DenseMatrix& combination;
  const std::vector<double>& sigma;
  int rank = 0;            // so many sigma are above least_sigma
  double least_sigma = 0;  // no product in the kernels' precision sees below this
};

/// The components, one a row: each one's entry of largest magnitude is positive, the first of
/// equals. A sink gets this rank's rows of U diag(sigma). Collective.
linalg::DenseMatrix deliver_standing(TallMatrix& t, const SvdOptions& options,
                                     const Factors& factors, ScoreSink* sink);

/// The same of T = A^T: the short side's vectors are U, and A^T U = V diag(sigma) comes out row by
/// row. Scores are dealt out evenly to the ranks.
linalg::DenseMatrix deliver_turned(Communicator& comm, const matrix::RowSource& a, TallMatrix& t,
                                   const SvdOptions& options, const Factors& factors,
                                   ScoreSink* sink);

}  // namespace hadal::dist

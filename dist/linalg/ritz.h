// Eigenvalues of T^T T from a subspace on which its products are known, and how far they are from
// the true ones.
#pragma once

#include <cstdint>
#include <vector>

#include "core/linalg/dense_matrix.h"

namespace hadal::dist {

struct Ritz {
  linalg::DenseMatrix q;          // orthonormal basis of K
  std::vector<double> values;     // descending
  linalg::DenseMatrix vectors;    // Q W
  std::vector<double> residuals;  // |T^T T v - value v|_2
};

/// Rayleigh and Ritz on the span of K (w x c), where Z = T^T T K is known; the `wanted` largest.
/// K's columns are nearly orthonormal, but for a first block that scaling has put right.
Ritz rayleigh_ritz(const linalg::DenseMatrix& k, const linalg::DenseMatrix& z, std::int64_t wanted);

/// What a Ritz value among the first k can still gain, as a share of itself: residual^2 / gap, the
/// gap to what one block cannot tell from the rest (on known spectra two to three times what they
/// did gain).
double gain_left(const Ritz& ritz, int k, std::int64_t block);

}  // namespace hadal::dist

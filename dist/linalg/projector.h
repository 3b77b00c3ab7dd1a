// The orthogonal projector onto the column space of a matrix whose rows are spread over ranks.
//
//   P = U U^T = A A^+    (m x m),   P P = P,  P^T = P,   A = U S V^T the thin SVD
//
// P b is the point of the column space nearest to b and |b - P b|_2 its distance, for by Pythagoras
// |v - b|^2 = |P b - b|^2 + |v - P b|^2 for every v in the space. The bracket that lecture notes
// print beside it, A (A^T A)^inv A^T = U S V^T (V S V^T) V S U^T, wants inverses in its middle
// factors: with A^T A = V S^2 V^T it is U S V^T (V S^-2 V^T) V S U^T = U U^T.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/linalg/dense_matrix.h"
#include "core/matrix/row_source.h"
#include "dist/communicator.h"
#include "dist/linalg/tall_svd.h"

namespace hadal::dist {

/// Rows [first, first + rows.rows) of a matrix; on several threads.
using TakeRows = std::function<void(std::int64_t first, const linalg::DenseMatrix& rows)>;

struct Distances {
  std::vector<double> norm;      // k: |b_j|_2
  std::vector<double> inside;    // k: |P b_j|_2
  std::vector<double> distance;  // k: |b_j - P b_j|_2
};

/// Collective; the rows of P B (m x k) for the B that `svd` was made with, and the distances on
/// every rank. Reads A and B once.
Distances project(Communicator& comm, const TallSvd& svd, const TakeRows& take);

/// The most rows of A for which P itself is made: 3.2 GB.
constexpr std::int64_t kMaxProjectorRows = 20'000;

/// Throws ConfigError when A has more than kMaxProjectorRows rows.
void require_small_projector(std::int64_t rows);

/// Collective; the rows of P (m x m), symmetric to the last bit. Every rank holds U (m x r). Calls
/// require_small_projector().
void projector_rows(Communicator& comm, const TallSvd& svd, const TakeRows& take);

}  // namespace hadal::dist

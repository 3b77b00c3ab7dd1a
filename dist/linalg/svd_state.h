// What an SVD has after a whole pass, so that a run that was ended goes on from there, on any
// number of ranks. One file, replaced in one step:
//
//   "hadal-svd-1\n", then 64-bit words, little-endian: identity, number of matrices; for each rows,
//   cols and its float64 values; last the XXH3 of all before it
//
// The identity is a hash of the shape, of what lies in a few groups of rows, and of every option
// that changes a bit of the result: a state of another matrix is not taken up.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "core/linalg/dense_matrix.h"
#include "core/matrix/row_source.h"
#include "dist/communicator.h"
#include "dist/linalg/svd.h"

namespace hadal::dist {

using SvdState = std::vector<linalg::DenseMatrix>;

class SvdStateFile {
 public:
  /// `folder` empty: keeps nothing. Made when something is kept.
  SvdStateFile(Communicator& comm, const matrix::RowSource& a, const SvdOptions& options);

  bool keeps() const { return !path_.empty(); }

  /// Collective: the state of rank 0's file on every rank; none without one, and for another
  /// identity. Throws DataError when it is damaged.
  std::optional<SvdState> load();
  /// Collective; rank 0 writes.
  void save(const SvdState& state);
  /// The result is out: the state is of no use any more.
  void remove();

 private:
  Communicator& comm_;
  std::filesystem::path path_;  // empty: keeps nothing
  std::uint64_t identity_ = 0;
};

}  // namespace hadal::dist

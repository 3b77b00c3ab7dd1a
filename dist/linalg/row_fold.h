// Sums over the rows of a matrix that is spread over ranks, in float64, with the same bits for any
// number of ranks and threads.
//
// Rows are cut into leaves by their global index. A leaf becomes one node, an array of doubles,
// worked out by one thread from the leaf's rows alone. Nodes are merged over the binary tree of
// dist/shard_tree.h on leaf index: node (level, i) takes in (level, i + 1) for even i. Whoever
// finishes the second of two siblings merges them, so the nodes that wait are few; siblings on two
// ranks meet on the left one's, one message per level and rank at most.
//
// The tree, unlike a sum of integers, needs no bound known beforehand, keeps the float64 accuracy
// of every entry whatever the others' size, and merges what is no sum: two triangles of a QR.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "dist/communicator.h"

namespace hadal::dist {

struct RowLeaves {
  std::int64_t rows = 0;
  std::int64_t rows_per_leaf = 1;

  std::int64_t count() const { return (rows + rows_per_leaf - 1) / rows_per_leaf; }
  /// Rank r holds leaves [first_of(r), first_of(r + 1)); rank 0 holds one whenever there is one.
  std::int64_t first_of(int rank, int ranks) const { return (count() * rank + ranks - 1) / ranks; }
  int owner_of(std::int64_t leaf, int ranks) const {
    return static_cast<int>(leaf * ranks / count());
  }
};

/// Works on rows [first, first + rows) as thread `thread`.
using LeafWork = std::function<void(int thread, std::int64_t first, std::int64_t rows)>;

/// Every leaf of this rank, once, on `threads` threads. Not collective. Rethrows the first
/// exception of a thread when all have stopped.
void for_each_leaf(const Communicator& comm, const RowLeaves& leaves, int threads,
                   const LeafWork& work);

struct FoldSteps {
  std::size_t length = 0;  // doubles of a node
  /// Fills `node`, which comes as zeros.
  std::function<void(int thread, std::int64_t first, std::int64_t rows, std::span<double> node)>
      leaf;
  /// Takes `right` into `left` and may destroy it; empty: adds. Several threads merge at once.
  std::function<void(std::span<double> left, std::span<double> right)> merge{};
};

/// Collective. The root of the tree on rank 0, nothing on the others; zeros when there are no rows.
std::vector<double> fold_leaves(Communicator& comm, const RowLeaves& leaves, int threads,
                                const FoldSteps& steps);

/// Collective: rank 0's values everywhere.
void broadcast(Communicator& comm, std::span<double> values);

}  // namespace hadal::dist

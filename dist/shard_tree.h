// The fixed binary tree over logical shards. At level k = 0, 1, ... node i takes in node i + 2^k
// whenever i is a multiple of 2^(k+1) and i + 2^k is a node:
//
//   6 leaves: ((0+1) + (2+3)) + (4+5)
//
// R ranks hold S/R contiguous leaves each. When S/R is a power of two the lower levels lie within a
// rank and the upper ones are the same tree over rank index, so the additions, and with them the
// bits of the sum, are the same for every such R. One rank alone may hold any number.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "core/tensor.h"
#include "core/train/replica_group.h"

namespace hadal::dist {

/// The numbers of ranks over which so many shards can be spread, increasing.
std::vector<int> allowed_rank_counts(int logical_shards);

/// Throws ConfigError, naming the rank counts that would do, unless `ranks` is allowed.
void require_shardable(int logical_shards, int ranks);

/// The shards of one rank.
ShardRange shards_of(int rank, int ranks, int logical_shards);

/// leaves[0][j] = tree sum over i of leaves[i][j]; the other leaves are overwritten. `elements` is
/// the length of each leaf.
template <typename T>
void tree_sum(std::span<T* const> leaves, std::int64_t elements) {
  constexpr std::int64_t kBlock = 4096;  // so that one block of a few leaves stays in L1
  const std::size_t count = leaves.size();
  for (std::int64_t begin = 0; begin < elements; begin += kBlock) {
    const std::int64_t end = std::min(elements, begin + kBlock);
    for (std::size_t stride = 1; stride < count; stride *= 2) {
      for (std::size_t i = 0; i + stride < count; i += 2 * stride) {
        T* const into = leaves[i];
        const T* const from = leaves[i + stride];
        for (std::int64_t j = begin; j < end; ++j) into[j] += from[j];
      }
    }
  }
}

/// Sums one flat buffer over the shards that a rank runs one after the other, in tree order, with
/// one partial sum per level (log2 of the shards) instead of one buffer per shard.
///
/// add() takes slices of the current shard's buffer in any order, each once, leaving out those
/// that nobody needs (the same ones for every shard). After the last shard's add() the slice of the
/// buffer itself holds the sum over the rank's shards.
class ShardAccumulator {
 public:
  /// `elements` of the flat buffer; `shards` on this rank.
  ShardAccumulator(std::int64_t elements, int shards);

  void begin_step() { shard_ = 0; }
  void add(float* buffer, std::int64_t offset, std::int64_t elements);
  /// The slices that follow are of the next shard.
  void next_shard();
  bool on_last_shard() const { return shard_ == shards_ - 1; }

 private:
  int shards_;
  int shard_ = 0;
  // Level k holds the sum of 2^k shards while bit k of `shard_` is set: a binary counter.
  std::vector<AlignedBuffer> partial_;
};

}  // namespace hadal::dist

// Sums one flat buffer over all logical shards while backward still fills it.
//
// Entries are announced in increasing order. Each is folded into the tree over the rank's own
// shards while it is still warm in the cache; on the last shard it also joins a bucket, and a
// bucket that has reached its size starts its all-reduce at once. Buckets are cut by the sequence
// of active entries alone, so all ranks cut alike. A bucket of neighbouring entries is a slice of
// the buffer and is reduced in place; where gates have left holes the pieces are packed, sent as
// one message, and unpacked by finish().
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/tensor.h"
#include "core/train/replica_group.h"
#include "dist/heartbeat.h"
#include "dist/ordered_all_reduce.h"
#include "dist/shard_tree.h"

namespace hadal::dist {

struct GradientExchangeOptions {
  /// A bucket starts once it holds so much. All-reduce is fastest for 1 to 4 MB; smaller leaves
  /// less to wait for at the end.
  std::int64_t bucket_bytes = 1 << 20;
  /// One entry larger than this is cut up, to stay in cache and to bound the memory in flight.
  std::int64_t longest_message_bytes = 4 << 20;
};

class GradientExchange {
 public:
  using Extent = ReplicaBuffers::Extent;

  /// `entries`: in elements of `buffer`, increasing, not overlapping. `shards`: of this rank.
  /// Several exchanges may share one all-reduce.
  GradientExchange(OrderedAllReduce& all_reduce, std::vector<Extent> entries,
                   std::span<float> buffer, int shards,
                   const GradientExchangeOptions& options = {});

  /// One byte per entry, non-zero = active; empty: all.
  void begin_step(std::span<const std::uint8_t> active);
  /// Active entries up to and including `entry` are complete for the current shard.
  void ready(int entry);
  /// All active entries are complete; what follows is of the next shard.
  void shard_done();
  /// Waits for all sums of the step; `waiting` is told which bucket it is, as "`name` bucket 3".
  void finish(Heartbeat::Waiting& waiting, std::string_view name);

 private:
  struct Bucket {
    std::vector<Extent> pieces;
    std::int64_t elements = 0;
    AlignedBuffer packed;  // empty when the bucket is one piece, reduced in place
    std::vector<OrderedAllReduce::Ticket> tickets;
  };

  bool active(int entry) const { return active_.empty() || active_[entry] != 0; }
  void join_bucket(int entry);
  void start_bucket();
  std::vector<OrderedAllReduce::Ticket> start(std::span<float> values);

  OrderedAllReduce& all_reduce_;
  std::vector<Extent> entries_;
  std::span<float> buffer_;
  GradientExchangeOptions options_;
  ShardAccumulator accumulator_;

  std::vector<std::uint8_t> active_;
  int next_entry_ = 0;    // the first not yet announced for this shard
  int joined_last_ = -2;  // the entry that joined the open bucket last
  Bucket open_;
  std::vector<Bucket> started_;
};

}  // namespace hadal::dist

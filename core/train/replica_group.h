// What the trainer sees of data-parallel training: a group of replicas that step together. The
// trainer never learns how they talk; a group of one is a normal group.
//
// Shards. The global batch of a step is cut into `logical_shards()` equal parts. Each replica runs
// its own parts, `shards()`, one after the other. Everything that is summed over the batch
// (gradients, BN statistics, metrics) is summed over one fixed binary tree on shard index, so the
// bits do not depend on how many replicas there are.
//
// Protocol, the same calls in the same order on every replica:
//
//   group.attach(buffers)                            once, when the parameters lie in their buffers
//   group.require_same(hash, "plan")                 start-up, and for parameters every K steps
//   per step:
//     group.begin_step(step, active entries, active statistics)
//     per own shard, first to last:
//       group.enter(kData | kCompute, "...")         what this replica does; for the watchdog
//       forward; backward overwrites the gradients of the active entries and the statistics;
//         while it runs: group.ready(entry)          entries 0..entry are complete for this shard
//                        group.poll()                between kernels: messages move only in calls
//       group.shard_done()                           takes what ready() has not yet taken
//     group.finish()                                 now gradients = sum, statistics = mean
//     group.sum_over_shards(metrics of own shards, totals)
//     group.any(drain flag)                          or as one more column of the metrics
//
// Gradients are summed, not averaged: seed backward with 1 / global batch and the sum is the
// gradient of the mean loss. Between ready(e) and the next shard (on the last shard: finish())
// entries 0..e of the gradient buffer belong to the group: neither read nor write them.
//
// Gates: `active` is the same on every replica and for every shard of the step. An entry that is
// not active costs nothing: its gradient is neither folded nor sent, and what lies in the buffer
// afterwards has no meaning. An active entry to which a shard contributes nothing must be zeroed by
// the trainer for that shard.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hadal {

class Device;
class Parameters;

/// What a replica is busy with; each has its own time limit (dist/watchdog.h).
enum class Phase : std::uint8_t { kInit, kData, kCompute, kCollective, kCheckpoint, kFinalize };

/// The slices and buffers that a group sums in place. `entries` and `statistics_entries` are in
/// elements, increasing, and do not overlap; `entries` in the order in which backward completes
/// them. Elements between two entries (padding) are zero and stay zero.
struct ReplicaBuffers {
  struct Extent {
    std::int64_t offset = 0;
    std::int64_t elements = 0;
  };
  std::vector<Extent> entries;
  std::span<float> gradients;
  std::vector<Extent> statistics_entries;
  std::span<float> statistics;
  Device* device = nullptr;  // where both spans lie; null: in the host's memory
};

/// The buffers of `parameters`, running statistics' slots included. ConfigError unless float32.
ReplicaBuffers replica_buffers(const Parameters& parameters);

struct ShardRange {
  int first = 0;
  int last = 0;  // one past the end
  int size() const { return last - first; }
};

class ReplicaGroup {
 public:
  virtual ~ReplicaGroup() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;
  bool is_root() const { return rank() == 0; }
  virtual int logical_shards() const = 0;
  /// The shards of this replica; contiguous, in rank order.
  virtual ShardRange shards() const = 0;

  /// Buffers must stay where they are as long as the group lives. Attaching again replaces them
  /// (not within a step).
  virtual void attach(const ReplicaBuffers& buffers) = 0;

  /// Opens a step. One byte per entry, non-zero = active; an empty span means all. Same on every
  /// replica.
  virtual void begin_step(std::int64_t step, std::span<const std::uint8_t> active = {},
                          std::span<const std::uint8_t> active_statistics = {}) = 0;
  /// The current shard's gradients of all active entries 0..entry are complete. Increasing within a
  /// shard; optional, but what is announced early is summed while backward still runs.
  virtual void ready(int entry) = 0;
  /// Moves messages along. Cheap; call it between kernels.
  virtual void poll() = 0;
  /// The current shard is complete, its statistics too.
  virtual void shard_done() = 0;
  /// Waits until gradients hold the sum and statistics the mean over all logical shards.
  virtual void finish() = 0;
  /// Bytes that this replica sent for gradients and statistics since begin_step().
  virtual std::int64_t step_bytes_sent() const = 0;

  /// totals[c] = sum over all logical shards of column c, by the fixed tree. `rows`:
  /// shards().size() rows of totals.size() columns, row-major, one row per own shard.
  virtual void sum_over_shards(std::span<const double> rows, std::span<double> totals) = 0;

  /// True on every replica when true on at least one.
  virtual bool any(bool flag) = 0;
  /// The largest of the replicas' values, for times and sizes.
  virtual double max(double value) = 0;
  /// Every replica's values, by rank; all pass equally many. For a few numbers now and then.
  virtual std::vector<double> gather(std::span<const double> values) = 0;
  /// The machine of every replica, by rank. A message.
  virtual std::vector<std::string> hosts() = 0;
  virtual void barrier() = 0;
  /// Root's bytes, on every replica.
  virtual void broadcast(std::span<std::byte> bytes) = 0;
  /// Throws CommError (ExitCode::kReplicasDiffer) on every replica, naming the ranks that differ
  /// from the majority, unless all pass the same value. `what`: "plan", "parameters".
  virtual void require_same(std::uint64_t hash, std::string_view what) = 0;

  /// What this replica does from now on: "forward", "load batch", "save". Restarts the watchdog's
  /// clock; the group's own waiting names itself. While root writes a checkpoint, the others should
  /// enter kCheckpoint too before they wait for it. No allocation, no message.
  virtual void enter(Phase phase, std::string_view operation) = 0;
};

}  // namespace hadal

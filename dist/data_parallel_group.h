// The ReplicaGroup that trains over a Communicator; see core/train/replica_group.h for the
// protocol.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/train/replica_group.h"
#include "dist/communicator.h"
#include "dist/gradient_exchange.h"
#include "dist/ordered_all_reduce.h"

namespace hadal::dist {

struct DataParallelOptions {
  /// Parts of the global batch; 0: one per rank.
  int logical_shards = 0;
  GradientExchangeOptions gradients = {};
  OrderedAllReduceOptions all_reduce = {};
};

class DataParallelGroup final : public ReplicaGroup {
 public:
  /// Uses comm's heartbeat, if it has one, to tell the watchdog what this rank does. Throws
  /// ConfigError when the shards cannot be spread over the ranks.
  explicit DataParallelGroup(Communicator& comm, const DataParallelOptions& options = {});

  int rank() const override { return comm_.rank(); }
  int size() const override { return comm_.size(); }
  int logical_shards() const override { return logical_shards_; }
  ShardRange shards() const override;

  void attach(const ReplicaBuffers& buffers) override;
  void begin_step(std::int64_t step, std::span<const std::uint8_t> active,
                  std::span<const std::uint8_t> active_statistics) override;
  void ready(int entry) override;
  void poll() override;
  void shard_done() override;
  void finish() override;
  std::int64_t step_bytes_sent() const override { return step_bytes_sent_; }

  void sum_over_shards(std::span<const double> rows, std::span<double> totals) override;
  bool any(bool flag) override;
  double max(double value) override;
  std::vector<double> gather(std::span<const double> values) override;
  std::vector<std::string> hosts() override;
  void barrier() override;
  void broadcast(std::span<std::byte> bytes) override;
  void require_same(std::uint64_t hash, std::string_view what) override;
  void enter(Phase phase, std::string_view operation) override;

 private:
  void average_statistics();

  Communicator& comm_;
  DataParallelOptions options_;
  int logical_shards_;
  OrderedAllReduce all_reduce_;
  ReplicaBuffers buffers_;
  std::vector<std::uint8_t> active_statistics_;
  std::optional<GradientExchange> gradients_, statistics_;
  std::int64_t bytes_before_step_ = 0, step_bytes_sent_ = 0;
};

}  // namespace hadal::dist

// A group around another one: passes everything on. What derives from it says only what it does
// otherwise.
#pragma once

#include "core/train/replica_group.h"

namespace hadal {

class ReplicaGroupAround : public ReplicaGroup {
 public:
  /// `inner` must outlive this group.
  explicit ReplicaGroupAround(ReplicaGroup& inner) : inner_(inner) {}

  int rank() const override { return inner_.rank(); }
  int size() const override { return inner_.size(); }
  int logical_shards() const override { return inner_.logical_shards(); }
  ShardRange shards() const override { return inner_.shards(); }
  void attach(const ReplicaBuffers& buffers) override { inner_.attach(buffers); }
  void begin_step(std::int64_t step, std::span<const std::uint8_t> active,
                  std::span<const std::uint8_t> active_statistics) override {
    inner_.begin_step(step, active, active_statistics);
  }
  void ready(int entry) override { inner_.ready(entry); }
  void poll() override { inner_.poll(); }
  void shard_done() override { inner_.shard_done(); }
  void finish() override { inner_.finish(); }
  std::int64_t step_bytes_sent() const override { return inner_.step_bytes_sent(); }
  void sum_over_shards(std::span<const double> rows, std::span<double> totals) override {
    inner_.sum_over_shards(rows, totals);
  }
  bool any(bool flag) override { return inner_.any(flag); }
  double max(double value) override { return inner_.max(value); }
  std::vector<double> gather(std::span<const double> values) override {
    return inner_.gather(values);
  }
  std::vector<std::string> hosts() override { return inner_.hosts(); }
  void barrier() override { inner_.barrier(); }
  void broadcast(std::span<std::byte> bytes) override { inner_.broadcast(bytes); }
  void require_same(std::uint64_t hash, std::string_view what) override {
    inner_.require_same(hash, what);
  }
  void enter(Phase phase, std::string_view operation) override { inner_.enter(phase, operation); }

 protected:
  ReplicaGroup& inner_;
};

}  // namespace hadal

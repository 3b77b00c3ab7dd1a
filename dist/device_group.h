// A group for replicas whose parameters lie on a device, on top of one that sums in host memory:
// gradients and statistics come down when a shard is complete and go back up when they are summed.
// With one shard in all there is nothing to sum and nothing moves. Buffers in host memory are
// handed through.
#pragma once

#include "core/tensor.h"
#include "core/train/replica_group.h"

namespace hadal::dist {

class DeviceGroup final : public ReplicaGroup {
 public:
  /// `inner` must outlive the group.
  explicit DeviceGroup(ReplicaGroup& inner) : inner_(inner) {}

  int rank() const override { return inner_.rank(); }
  int size() const override { return inner_.size(); }
  int logical_shards() const override { return inner_.logical_shards(); }
  ShardRange shards() const override { return inner_.shards(); }

  void attach(const ReplicaBuffers& buffers) override;
  void begin_step(std::int64_t step, std::span<const std::uint8_t> active,
                  std::span<const std::uint8_t> active_statistics) override;
  void ready(int entry) override;
  void poll() override { inner_.poll(); }
  void shard_done() override;
  void finish() override;
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

 private:
  bool stages() const { return device_ && inner_.logical_shards() > 1; }

  ReplicaGroup& inner_;
  Device* device_ = nullptr;
  TensorView gradients_, statistics_;        // on the device
  Tensor host_gradients_, host_statistics_;  // what `inner_` sums
};

}  // namespace hadal::dist

// The ReplicaGroup for replicas whose parameters lie on devices: gradients and statistics are
// summed where they lie, over the same tree as DataParallelGroup sums in the memory of hosts, so
// with the same bits. Everything small goes through that group.
//
// All work is in the device's one queue: sums over a rank's own shards when a shard is complete,
// sums over ranks in finish(), bucket by bucket.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/backend.h"
#include "core/train/replica_group_around.h"
#include "dist/data_parallel_group.h"
#include "dist/device_exchange.h"
#include "dist/device_sum.h"
#include "dist/watched_wait.h"

namespace hadal::dist {

struct DeviceParallelOptions {
  /// A bucket holds about so much; it is what a lost exchange is named by.
  std::int64_t bucket_bytes = 4 << 20;
  /// Sums over ranks in the order of the tree; otherwise in the order the network likes best, which
  /// is quicker, and then the bits depend on the number of ranks.
  bool ordered = true;
  WatchedWaitOptions wait = {};
};

/// What is summed as one: pieces of the flat buffer, in elements, increasing, not overlapping.
struct DeviceBucket {
  std::vector<ReplicaBuffers::Extent> pieces;
  std::int64_t elements = 0;  // of all pieces
};

/// The active entries (one byte per entry, non-zero = active; empty: all) in order, cut into
/// buckets that end once they hold `bucket_elements`. Neighbours become one piece, with the padding
/// between them.
std::vector<DeviceBucket> cut_buckets(const std::vector<ReplicaBuffers::Extent>& entries,
                                      std::span<const std::uint8_t> active,
                                      std::int64_t bucket_elements);

class DeviceParallelGroup final : public ReplicaGroupAround {
 public:
  /// `control` is the group of `comm`, and attached to by nobody else. `backend` has a device. All
  /// must outlive this group.
  DeviceParallelGroup(Communicator& comm, DataParallelGroup& control, Backend& backend,
                      DeviceExchange& exchange, const Clock& clock,
                      const DeviceParallelOptions& options = {});
  ~DeviceParallelGroup() override;

  /// ConfigError unless the buffers lie on the backend's device.
  void attach(const ReplicaBuffers& buffers) override;
  void begin_step(std::int64_t step, std::span<const std::uint8_t> active,
                  std::span<const std::uint8_t> active_statistics) override;
  void ready(int /*entry*/) override {}
  void shard_done() override;
  void finish() override;
  std::int64_t step_bytes_sent() const override { return step_bytes_sent_; }

 private:
  struct Buffer;  // gradients, or statistics

  void start(Buffer& buffer, std::int64_t bucket_bytes, std::string_view name);
  void add_up(std::span<float> values);
  std::string which(std::string_view name, std::size_t bucket) const;
  void wait(const Buffer& buffer, Heartbeat::Waiting& waiting, std::string_view name);

  Communicator& comm_;
  Backend& backend_;
  DeviceExchange& exchange_;
  const Clock& clock_;
  DeviceParallelOptions options_;
  DeviceSum sum_;
  std::unique_ptr<Buffer> gradients_, statistics_;
  std::int64_t step_ = 0;
  int shard_ = 0;
  std::int64_t plain_bytes_sent_ = 0, bytes_before_step_ = 0, step_bytes_sent_ = 0;
};

}  // namespace hadal::dist

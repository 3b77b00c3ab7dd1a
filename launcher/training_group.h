#pragma once

#include <memory>
#include <string>

#include "core/backend.h"
#include "core/base/clock.h"
#include "dist/data_parallel_group.h"
#include "dist/device_parallel_group.h"

namespace hadal::launcher {

/// Collective. NCCL between the devices of the ranks or, where it cannot serve, the memory of their
/// hosts; then `note` is one line that says why, the same on all ranks, and else "". Both arguments
/// must outlive it.
std::unique_ptr<dist::DeviceExchange> open_exchange(dist::Communicator& comm, Device& device,
                                                    std::string& note);

/// The group that a training steps in: gradients are summed where the backend keeps its memory, in
/// that of the host or on the device.
class TrainingGroup {
 public:
  /// Collective. `comm` and `backend` must outlive it. `patience` multiplies time limits.
  TrainingGroup(dist::Communicator& comm, Backend& backend,
                const dist::DataParallelOptions& options, double patience = 1);

  /// Why GPUs of several ranks exchange through the memory of their hosts, on one line; "" when
  /// they do not. The same on all ranks.
  const std::string& note() const { return note_; }
  ReplicaGroup& get() { return on_device_ ? static_cast<ReplicaGroup&>(*on_device_) : on_host_; }

 private:
  SystemClock clock_;
  std::string note_;
  dist::DataParallelGroup on_host_;
  std::unique_ptr<dist::DeviceExchange> exchange_;        // where the backend has a device
  std::unique_ptr<dist::DeviceParallelGroup> on_device_;  // likewise
};

}  // namespace hadal::launcher

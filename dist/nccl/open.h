// Starts NCCL among the ranks of a communicator, which carries NCCL's first message.
#pragma once

#include <memory>

#include "core/cuda/open.h"
#include "core/device.h"
#include "dist/communicator.h"
#include "dist/device_exchange.h"

namespace hadal::dist {

struct NcclOptions {
  cuda::PluginPlaces places = cuda::PluginPlaces::usual();
  /// Longest wait for the other ranks while NCCL starts.
  double limit_s = 60;
};

/// Collective. `device` has a native_queue() and must outlive what is returned. Throws CommError,
/// on all ranks alike, with the reason of the first rank that cannot: no plug-in, no NCCL, one of
/// another version than it was built with or than the other ranks have, two ranks on one GPU.
std::unique_ptr<DeviceExchange> open_nccl(Communicator& comm, Device& device,
                                          const NcclOptions& options = {});

}  // namespace hadal::dist

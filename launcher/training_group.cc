#include "launcher/training_group.h"

#include "core/base/error.h"
#include "dist/nccl/open.h"
#include "dist/staged_exchange.h"

namespace hadal::launcher {

TrainingGroup::TrainingGroup(dist::Communicator& comm, Backend& backend,
                             const dist::DataParallelOptions& options, double patience)
    : on_host_(comm, options) {
  if (!backend.device()) return;
  open_exchange(comm, *backend.device());
  dist::DeviceParallelOptions on_device;
  on_device.wait.limit_s *= patience;
  on_device_ = std::make_unique<dist::DeviceParallelGroup>(comm, on_host_, backend, *exchange_,
                                                           clock_, on_device);
}

// NCCL throws on all ranks or on none, so all choose alike.
void TrainingGroup::open_exchange(dist::Communicator& comm, Device& device) {
  if (comm.size() > 1 && device.native_queue()) try {
      exchange_ = dist::open_nccl(comm, device);
    } catch (const CommError& error) {
      note_ = std::string(error.what()) + "; gradients travel through the memory of the hosts";
    }
  if (!exchange_) exchange_ = std::make_unique<dist::StagedExchange>(comm, device);
}

}  // namespace hadal::launcher

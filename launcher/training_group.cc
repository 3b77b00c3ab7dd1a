#include "launcher/training_group.h"

#include "core/base/error.h"
#include "dist/nccl/open.h"
#include "dist/staged_exchange.h"

namespace hadal::launcher {

// NCCL throws on all ranks or on none, so all choose alike.
std::unique_ptr<dist::DeviceExchange> open_exchange(dist::Communicator& comm, Device& device,
                                                    std::string& note) {
  note.clear();
  if (comm.size() > 1 && device.native_queue()) try {
      return dist::open_nccl(comm, device);
    } catch (const CommError& error) {
      note = std::string(error.what()) + "; gradients travel through the memory of the hosts";
    }
  return std::make_unique<dist::StagedExchange>(comm, device);
}

TrainingGroup::TrainingGroup(dist::Communicator& comm, Backend& backend,
                             const dist::DataParallelOptions& options, double patience)
    : on_host_(comm, options) {
  if (!backend.device()) return;
  exchange_ = open_exchange(comm, *backend.device(), note_);
  dist::DeviceParallelOptions on_device;
  on_device.wait.limit_s *= patience;
  on_device_ = std::make_unique<dist::DeviceParallelGroup>(comm, on_host_, backend, *exchange_,
                                                           clock_, on_device);
}

}  // namespace hadal::launcher

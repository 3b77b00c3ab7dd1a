#include "launcher/training_group.h"

#include "dist/staged_exchange.h"

namespace hadal::launcher {

TrainingGroup::TrainingGroup(dist::Communicator& comm, Backend& backend,
                             const dist::DataParallelOptions& options, double patience)
    : on_host_(comm, options) {
  if (!backend.device()) return;
  exchange_ = std::make_unique<dist::StagedExchange>(comm, *backend.device());
  dist::DeviceParallelOptions on_device;
  on_device.wait.limit_s *= patience;
  on_device_ = std::make_unique<dist::DeviceParallelGroup>(comm, on_host_, backend, *exchange_,
                                                           clock_, on_device);
}

}  // namespace hadal::launcher

#pragma once

#include <memory>
#include <string>

#include "core/backend.h"

namespace hadal::launcher {

/// The backend for "auto" (this rank's GPU where there is one, else the CPU), "cpu", "cuda" (this
/// rank's GPU), "cuda:N" (GPU number N of those that CUDA shows) or "reference". `local_rank`:
/// which of the ranks on this machine this one is; they take the GPUs in turn. `note` becomes one
/// line where "auto" did not take a GPU although the machine has a driver for one. Throws
/// DeviceError for a device that is not there.
std::unique_ptr<Backend> open_device(const std::string& name, int local_rank, std::string& note);

/// What --device takes.
inline constexpr const char* kDeviceHelp = "auto, cpu, cuda, cuda:N or reference";

}  // namespace hadal::launcher

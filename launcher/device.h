#pragma once

#include <memory>
#include <string>

#include "core/backend.h"

namespace hadal::launcher {

/// The backend for "auto" (the best there is), "cpu" or "reference". Throws DeviceError for one
/// that is not built in.
std::unique_ptr<Backend> open_device(const std::string& name);

}  // namespace hadal::launcher

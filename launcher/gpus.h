// The GPUs of this machine, by the names that stay the same whatever order a program counts them
// in.
#pragma once

#include <string>
#include <vector>

#include "launcher/tools.h"

namespace hadal::launcher {

/// UUIDs ("GPU-5a…") in the order of nvidia-smi of those that may be used: all, or those that
/// `visible` (CUDA_VISIBLE_DEVICES; null: not set) names by number or UUID. A GPU that is cut up by
/// MIG is left out, for its parts are somebody's choice. Throws ConfigError when nvidia-smi is
/// missing or fails.
std::vector<std::string> usable_gpus(Tools& tools, const char* visible);

}  // namespace hadal::launcher

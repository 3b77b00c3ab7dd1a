#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace hadal::launcher {

/// Memory that processes may use, and who says so: "this machine", "control group /slurm/job_7".
struct MemoryLimit {
  std::int64_t bytes = 0;
  std::string by = {};
};

/// The machine's memory, or the least that this process's control group (version 1 or 2) and those
/// above it leave. `root` is where /proc and /sys are looked for.
MemoryLimit memory_limit(const std::filesystem::path& root = "/");

}  // namespace hadal::launcher

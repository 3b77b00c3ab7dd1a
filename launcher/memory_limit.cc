#include "launcher/memory_limit.h"

#include <fstream>
#include <optional>

#include <fmt/format.h>
#include <unistd.h>

#include "core/base/strings.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
namespace {

// "max", or a file that is not there, is no limit.
std::optional<std::int64_t> number_in(const fs::path& path) {
  std::int64_t value = 0;
  if (std::ifstream(path) >> value && value > 0) return value;
  return std::nullopt;
}

void take_least(const fs::path& top, fs::path group, const char* file, MemoryLimit& limit) {
  // From the group itself up to the top, which has no limit of its own.
  for (group = group.relative_path(); !group.empty(); group = group.parent_path())
    if (const auto bytes = number_in(top / group / file); bytes && *bytes < limit.bytes)
      limit = {*bytes, "control group /" + group.string()};
  // In a container the group's own folder is mounted as the top.
  if (const auto bytes = number_in(top / file); bytes && *bytes < limit.bytes)
    limit = {*bytes, "control group"};
}

}  // namespace

MemoryLimit memory_limit(const fs::path& root) {
  MemoryLimit limit{static_cast<std::int64_t>(::sysconf(_SC_PHYS_PAGES)) *
                        static_cast<std::int64_t>(::sysconf(_SC_PAGE_SIZE)),
                    "this machine"};
  std::ifstream groups(root / "proc/self/cgroup");
  // "0::/path" of version 2, "7:memory:/path" of version 1.
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const fs::path group = line.substr(second + 1);
    if (controllers.empty()) {
      take_least(root / "sys/fs/cgroup", group, "memory.max", limit);
      continue;
    }
    for (const std::string& controller : split(controllers, ','))
      if (controller == "memory")
        take_least(root / "sys/fs/cgroup/memory", group, "memory.limit_in_bytes", limit);
  }
  return limit;
}

}  // namespace hadal::launcher

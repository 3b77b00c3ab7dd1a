#include "launcher/version.h"

#include <fmt/format.h>

namespace hadal::launcher {

std::string version() { return HADAL_VERSION; }

std::string compiler() {
#if defined(__clang__)
  return "Clang " __clang_version__;
#else
  return "GCC " __VERSION__;
#endif
}

std::string version_line() {
  return fmt::format("hadal {} (commit {}, {})", version(), source_commit(), compiler());
}

}  // namespace hadal::launcher

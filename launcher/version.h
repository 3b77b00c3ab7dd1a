// Which Hadal this is, for `hadal --version` and for environment.json of every run.
#pragma once

#include <string>

namespace hadal::launcher {

/// "0.1.0"
std::string version();

/// The commit the program was built from, "-dirty" when the tree had changes; "unknown" outside a
/// git checkout.
std::string source_commit();

/// "hadal 0.1.0 (commit 0a246ad1c2, GCC 12.2.0)"
std::string version_line();

/// "GCC 12.2.0"
std::string compiler();

}  // namespace hadal::launcher

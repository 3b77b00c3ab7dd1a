#pragma once

#include <string>

namespace hadal::dist {

/// "2.28.9" of 22809.
std::string nccl_version_text(int version);

/// Why a plug-in that was built with headers of `built` does not run with a library of `loaded`, on
/// one line; "" when it does: the library must be of the same major version and not older.
std::string nccl_mismatch(int built, int loaded);

}  // namespace hadal::dist

#pragma once

#include <string>

namespace hadal::launcher {

/// Path of the running program; "hadal" where the system does not tell.
std::string this_program();

}  // namespace hadal::launcher

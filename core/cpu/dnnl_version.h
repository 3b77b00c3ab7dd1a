#pragma once

#include <string>

namespace hadal::cpu {

/// "2.6.3": of the oneDNN whose headers this was built with, and of the one that is loaded.
std::string dnnl_built_version();
std::string dnnl_version();

}  // namespace hadal::cpu

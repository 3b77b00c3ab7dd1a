#include "core/cpu/dnnl_version.h"

#include <dnnl.h>
#include <fmt/format.h>

namespace hadal::cpu {

std::string dnnl_built_version() {
  return fmt::format("{}.{}.{}", DNNL_VERSION_MAJOR, DNNL_VERSION_MINOR, DNNL_VERSION_PATCH);
}

std::string dnnl_version() {
  const dnnl_version_t* version = ::dnnl_version();
  return fmt::format("{}.{}.{}", version->major, version->minor, version->patch);
}

}  // namespace hadal::cpu

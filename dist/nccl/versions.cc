#include "dist/nccl/versions.h"

#include <fmt/format.h>

namespace hadal::dist {

std::string nccl_version_text(int version) {
  return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

std::string nccl_mismatch(int built, int loaded) {
  if (loaded >= built && loaded / 10000 == built / 10000) return "";
  return fmt::format(
      "NCCL {} was loaded, libhadal_nccl.so was built with {}; install NCCL {} or a newer {}.x",
      loaded == 0 ? "of an unknown version" : nccl_version_text(loaded), nccl_version_text(built),
      nccl_version_text(built), built / 10000);
}

}  // namespace hadal::dist

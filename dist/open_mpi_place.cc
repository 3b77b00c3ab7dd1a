#include "dist/open_mpi_place.h"

#include <cstdlib>
#include <filesystem>

namespace hadal::dist {

// The same as bin/mpirun of a bundle sets; here for ranks that somebody else starts: srun, or the
// machine's own mpirun. Plug-ins belong to one build of the library, so what was set is replaced.
void use_open_mpi_beside_program() {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  const fs::path root = program.parent_path().parent_path();
  if (error || !fs::is_directory(root / "lib" / "openmpi3", error)) return;
  ::setenv("OPAL_PREFIX", root.c_str(), 1);
  ::setenv("OPAL_LIBDIR", (root / "lib").c_str(), 1);
  ::setenv("OPAL_SYSCONFDIR", (root / "etc").c_str(), 1);
  ::setenv("PMIX_LIBDIR", (root / "lib").c_str(), 1);
  ::setenv("PMIX_DATADIR", (root / "share").c_str(), 1);
  ::setenv("HWLOC_PLUGINS_PATH", (root / "lib" / "hwloc").c_str(), 1);  // there are none
}

}  // namespace hadal::dist

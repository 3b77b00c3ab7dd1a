#include "launcher/version.h"

#include <fmt/format.h>
#include <mpi.h>

#include "launcher/source_commit.h"

namespace hadal::launcher {

std::string version() { return HADAL_VERSION; }

std::string source_commit() { return kSourceCommit; }

std::string compiler() {
#if defined(__clang__)
  return "Clang " __clang_version__;
#else
  return "GCC " __VERSION__;
#endif
}

std::string mpi_library() {
#if defined(OPEN_MPI)
  return fmt::format("Open MPI {}.{}.{}", OMPI_MAJOR_VERSION, OMPI_MINOR_VERSION,
                     OMPI_RELEASE_VERSION);
#else
  return fmt::format("MPI {}.{}", MPI_VERSION, MPI_SUBVERSION);
#endif
}

std::string version_line() {
  return fmt::format("hadal {} (commit {}, {}, {})", version(), source_commit(), compiler(),
                     mpi_library());
}

}  // namespace hadal::launcher

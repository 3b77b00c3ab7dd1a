#include "dist/mpi_version.h"

#include <fmt/format.h>
#include <mpi.h>

#include "core/base/strings.h"

namespace hadal::dist {

std::string mpi_built_version() {
#ifdef OMPI_MAJOR_VERSION
  return fmt::format("{}.{}.{}", OMPI_MAJOR_VERSION, OMPI_MINOR_VERSION, OMPI_RELEASE_VERSION);
#else
  return fmt::format("MPI {}.{}", MPI_VERSION, MPI_SUBVERSION);
#endif
}

std::string mpi_version() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING] = {};
  int length = 0;
  MPI_Get_library_version(text, &length);
  // "Open MPI v4.1.4, package: Debian OpenMPI, ident: 4.1.4, …"
  const std::string all(text, static_cast<std::size_t>(length));
  const std::string start = "Open MPI v";
  if (!all.starts_with(start)) return all;
  return all.substr(start.size(), all.find_first_of(", ", start.size()) - start.size());
}

}  // namespace hadal::dist

#include "tests/places.h"

#include <cstdlib>

namespace hadal::test {
namespace {

std::string place(const char* variable, const char* built) {
  const char* const said = std::getenv(variable);
  return said ? said : built;
}

}  // namespace

std::string program() { return place("HADAL_PROGRAM", BUILT_PROGRAM); }
std::string mpirun() { return place("HADAL_MPIRUN", BUILT_MPIRUN); }
std::string mpi_program() { return place("HADAL_MPI_PROGRAM", BUILT_MPI_PROGRAM); }
std::string source_folder() { return place("HADAL_SOURCE_DIR", BUILT_FROM); }

}  // namespace hadal::test

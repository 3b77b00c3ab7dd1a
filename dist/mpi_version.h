#pragma once

#include <string>

namespace hadal::dist {

/// "4.1.4": of the Open MPI whose headers this was built with, and of the one that is loaded (its
/// whole description where it says no number). Neither starts MPI.
std::string mpi_built_version();
std::string mpi_version();

}  // namespace hadal::dist

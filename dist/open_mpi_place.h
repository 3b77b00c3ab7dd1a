// Where Open MPI's plug-ins and messages lie. The library knows one place, that of its build; in a
// bundle (cmake/bundle.sh) they lie beside the program, wherever that is.
#pragma once

namespace hadal::dist {

/// Before MPI starts: tells Open MPI, by its environment, to look beside this program where its
/// plug-ins are there (../lib/openmpi3). Elsewhere does nothing.
void use_open_mpi_beside_program();

}  // namespace hadal::dist

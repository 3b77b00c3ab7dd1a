// Where the things lie that a test starts or reads: as they were built, unless the environment
// variable of the same name says otherwise. A bundle's tests/run does.
#pragma once

#include <string>

namespace hadal::test {

std::string program();        // HADAL_PROGRAM: the program `hadal`
std::string mpirun();         // HADAL_MPIRUN
std::string mpi_program();    // HADAL_MPI_PROGRAM: tests/dist/mpi_program.cc
std::string source_folder();  // HADAL_SOURCE_DIR: what holds experiments/ and tests/golden/

}  // namespace hadal::test

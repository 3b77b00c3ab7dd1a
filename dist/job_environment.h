// What mpirun or srun says of this process before MPI is started.
#pragma once

#include <string>

namespace hadal::dist {

struct JobEnvironment {
  bool launched = false;  // by mpirun or srun; otherwise this is a group of one
  int rank = 0;
  int size = 1;
  std::string
      job;  // the same for all ranks of a job and for no other on this machine; may be empty
};

/// Reads OMPI_COMM_WORLD_*, PMIX_* and, in a Slurm step, SLURM_*. Throws CommError when they
/// contradict each other.
JobEnvironment job_environment();

}  // namespace hadal::dist

#include "dist/job_environment.h"

#include <cstdlib>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"

namespace hadal::dist {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

/// The first of the variables that is set, as a number; -1 when none is.
int number(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const std::string text = variable(name);
    if (!text.empty()) return static_cast<int>(parse_int(text, name));
  }
  return -1;
}

}  // namespace

JobEnvironment job_environment() {
  // A Slurm batch script has SLURM_PROCID too, but only the tasks of a step are ranks.
  const bool slurm_step = !variable("SLURM_STEP_ID").empty();
  JobEnvironment job;
  const int rank = slurm_step ? number({"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID"})
                              : number({"OMPI_COMM_WORLD_RANK", "PMIX_RANK"});
  const int size = slurm_step ? number({"OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"})
                              : number({"OMPI_COMM_WORLD_SIZE"});
  if (rank < 0) return job;
  if (size < 1 || rank >= size)
    throw CommError(fmt::format(
        "started as rank {} of {}: the environment of the launcher is incomplete; use mpirun, or "
        "srun --mpi=pmix",
        rank, size));
  job.launched = true;
  job.rank = rank;
  job.size = size;
  job.job = variable("PMIX_NAMESPACE");
  return job;
}

}  // namespace hadal::dist

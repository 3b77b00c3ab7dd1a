// The two ends of a batch job: what the launcher writes into a run's folder before sbatch, and what
// the job does with it on the node.
//
//   job.sh     #!/bin/sh, exec "$@": the same for every job, so nothing is ever quoted for a shell.
//              sbatch job.sh hadal sweep attempt FOLDER hands the rest over as arguments
//   job.json   the command of every rank, ranks, cores per rank, mpirun, silence limit
#pragma once

#include <filesystem>
#include <string>

#include "core/base/clock.h"
#include "launcher/processes.h"
#include "launcher/scheduler.h"
#include "launcher/tools.h"

namespace hadal::launcher {

struct BatchJob {
  Job job = {};  // without id
  std::string mpirun = "mpirun";
  double silence_limit_s = 90;  // of an earlier attempt (supervisor.h)
};

/// Writes job.sh and job.json; returns the path of job.sh. Throws IoError, and ConfigError for a
/// path that is not UTF-8.
std::filesystem::path write_batch_job(const BatchJob& batch);

/// Throws IoError and DataError.
BatchJob read_batch_job(const std::filesystem::path& folder);

/// What runs inside the job: supervises one attempt at the run in `folder`; returns its exit code.
/// When Slurm wanted the node back (its --signal, preemption, a time limit) and the run has saved
/// itself, the job goes back into the queue and this returns only if that fails. SIGUSR2 is the
/// launcher's wish to stop for good. Throws UsageError outside of a Slurm job.
int run_batch_job(const std::filesystem::path& folder, Tools& tools, Processes& processes,
                  Clock& clock);

}  // namespace hadal::launcher

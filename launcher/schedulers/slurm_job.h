// The two ends of batch jobs: what the launcher writes before sbatch, and what a job does with it
// on its node.
//
//   SWEEP/slurm/job.sh     #!/bin/sh, exec "$@": the same for every job, so nothing is ever quoted
//                          for a shell. sbatch job.sh hadal sweep attempt SWEEP/slurm/MARK.json
//                          hands the rest over as arguments
//   SWEEP/slurm/MARK.json  the folders of the runs that one sbatch submitted: one, or one for each
//                          task of an array
//   SWEEP/slurm/MARK.txt   what jobs said before they knew their run, and Slurm about them
//   RUN/job.json           command of every rank, ranks, …, and as what the run was submitted:
//   MARK,
//                          task, how many of them at a time
//
// The runs of one sbatch lie in one folder, SWEEP.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "launcher/processes.h"
#include "launcher/scheduler.h"
#include "launcher/tools.h"

namespace hadal::launcher {

/// How a job starts its ranks.
struct RankStarter {
  std::string mpirun = "mpirun";
  bool srun = false;  // rather than mpirun
};

struct BatchJob {
  Job job = {};  // without id
  RankStarter starter = {};
  double silence_limit_s = 90;  // of an earlier attempt (supervisor.h)
};

/// A run's place in what one sbatch submitted.
struct Ticket {
  std::string mark = {};  // of the sbatch; "": none
  int task = 0;           // of its array
  int at_a_time = 1;      // tasks of it
};

struct SubmissionFiles {
  std::filesystem::path script, runs, output;
};

/// Writes all of the files above, `tickets` beside `jobs`. Throws IoError, and ConfigError for a
/// path that is not UTF-8.
SubmissionFiles write_submission(const std::vector<BatchJob>& jobs,
                                 const std::vector<Ticket>& tickets);

/// As what the run was last submitted; none when it never was.
std::optional<Ticket> read_ticket(const std::filesystem::path& folder);

/// Throws IoError and DataError.
BatchJob read_batch_job(const std::filesystem::path& folder);

/// What runs inside the job: supervises one attempt at its run of those in `runs` (MARK.json);
/// returns its exit code. When Slurm wanted the node back (its --signal, preemption, a time limit)
/// and the run has saved itself, the job goes back into the queue and this returns only if that
/// fails. SIGUSR2 is the launcher's wish to stop for good. Output goes to the run's log.txt. Throws
/// UsageError outside of a Slurm job.
int run_batch_job(const std::filesystem::path& runs, Tools& tools, Processes& processes,
                  Clock& clock);

}  // namespace hadal::launcher

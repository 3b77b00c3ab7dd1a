// The schedulers by name.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "launcher/processes.h"
#include "launcher/scheduler.h"
#include "launcher/tools.h"

namespace hadal::launcher {

/// What a user may say about where runs go; each scheduler reads what concerns it.
struct SchedulerOptions {
  std::string name = "local";
  int ranks = 1;  // of every run
  int cores_per_rank = 1;
  int gpus_per_rank = 0;
  int slots = 0;  // runs at a time; 0: as the scheduler thinks fit
  std::string mpirun = "mpirun";
  std::string program = "hadal";          // this one, for its ends on other hosts
  std::vector<std::string> pass_on = {};  // names of environment variables
  // local
  int pack = 1;  // runs that share cores or GPUs; 0: as many as are found to pay
  // hosts
  std::string hostfile = {}, ssh_config = {}, network = {};
  // slurm
  std::string partition = {};
  std::vector<std::string> sbatch = {};  // further arguments
  bool srun = false;                     // starts the ranks, rather than mpirun
  double silence_limit_s = 90;
};

std::vector<std::string> scheduler_names();

/// Throws ConfigError for an unknown name, with the known ones.
std::unique_ptr<Scheduler> make_scheduler(const SchedulerOptions& options, Processes& processes,
                                          Tools& tools, Clock& clock);

}  // namespace hadal::launcher

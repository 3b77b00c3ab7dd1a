// One attempt at a run inside what a cluster has allotted: claims the run, waits for an earlier
// attempt to be gone, starts mpirun, passes on the wish to save and stop, and leaves nothing
// running. It is what a batch job of Slurm executes (schedulers/slurm_job.h).
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "launcher/claim.h"
#include "launcher/last_words.h"
#include "launcher/processes.h"
#include "launcher/scheduler.h"

namespace hadal::launcher {

struct SupervisorOptions {
  std::string mpirun = "mpirun";
  bool srun = false;  // starts the ranks, rather than mpirun
  int hosts = 1;      // of the allotment
  std::filesystem::path scratch = "/dev/shm";
  bool as_root = false;
  /// An earlier attempt that gives no sign of life for so long is taken for gone. Network file
  /// systems show a sign late, by up to a minute.
  double silence_limit_s = 90;
};

class Supervisor {
 public:
  /// `job.id` is what the cluster calls it. `last_signal` says which of SIGUSR1, SIGUSR2 and
  /// SIGTERM came last, 0 for none: each means save and stop.
  Supervisor(Job job, SupervisorOptions options, Processes& processes, Clock& clock,
             std::function<int()> last_signal);

  /// Exit code of mpirun; 0 when the run was finished before; 75 when the wish to stop, or a later
  /// attempt, came before ranks were started. Throws IoError when the run's folder or mpirun fail,
  /// Superseded when a later attempt took the run over.
  int run();

 private:
  bool earlier_attempt_lives();
  int run_ranks();
  int start_ranks();
  std::vector<std::string> arguments(std::map<std::string, std::string>& environment);
  void look_after(int mpirun);
  void end_leftovers();
  void require_mine();

  Job job_;
  SupervisorOptions options_;
  Processes& processes_;
  Clock& clock_;
  std::function<int()> last_signal_;
  Claim claim_;
  ClaimWatch watch_;
  std::filesystem::path scratch_;
  std::optional<LastWordsWatch> last_words_;  // of ranks that were started
  double looked_at_ = -1e9;
  bool draining_ = false;
};

}  // namespace hadal::launcher

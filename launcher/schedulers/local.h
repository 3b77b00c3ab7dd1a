// Runs on the cores of this machine, each under an mpirun of its own.
//
// Places. The cores are cut into sets of ranks * cores_per_rank, and the GPUs into sets of ranks *
// gpus_per_rank; a job gets one of each and its ranks inherit them (--bind-to none: left alone,
// every mpirun would bind its ranks to the same first cores; CUDA_VISIBLE_DEVICES with UUIDs). With
// more slots than places jobs share all cores, and where several are packed on one place they share
// that one; then Open MPI yields instead of spinning. How many are worth packing can be found out
// (packing.h).
//
// Nothing trains unseen. mpirun is in a session of its own and gets SIGUSR1 when this launcher dies
// (PR_SET_PDEATHSIG), which makes its ranks save and exit. Every process of a run carries
// HADAL_RUN=<folder>; what is left of an earlier attempt is given time to save, then ended, before
// a new one starts, and what mpirun leaves behind when it is killed is ended before a job counts as
// over. Session folder and shared-memory segments of Open MPI lie in one scratch folder per run
// that is removed with it.
//
// Draining is SIGUSR1 to mpirun, which forwards it to every rank and passes on their exit code;
// SIGTERM would leave ranks one second. Stopping is a ladder: SIGTERM to mpirun, 3 s, SIGKILL to
// all.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "launcher/processes.h"
#include "launcher/scheduler.h"
#include "launcher/schedulers/packing.h"

namespace hadal::launcher {

struct LocalOptions {
  std::vector<int> cores = {};  // that may be used, at least one
  int ranks = 1;                // of every job
  int cores_per_rank = 1;
  std::vector<std::string> gpus = {};  // UUIDs of those that may be used
  int gpus_per_rank = 0;
  int slots = 0;  // jobs at a time; 0: as many as there are places, times what is packed
  int pack = 1;   // jobs at one place; 0: as many as are found to pay
  std::string mpirun = "mpirun";
  /// Where the scratch folders of Open MPI are made; memory, so that segments are not written out.
  std::filesystem::path scratch = "/dev/shm";
  bool as_root = false;             // mpirun wants to be told that root is meant
  double leftover_patience_s = 60;  // for an earlier attempt to save itself
};

class LocalScheduler final : public Scheduler {
 public:
  LocalScheduler(LocalOptions options, Processes& processes, Clock& clock);
  /// Ends what still runs, at once.
  ~LocalScheduler() override;

  /// Throws ConfigError when there are fewer GPUs than a job wants.
  void check() override;

  bool has_room(const Job& job) const override;
  void start(const Job& job) override;
  std::vector<JobExit> poll() override;
  bool is_running(const std::string& id) const override;
  void drain(const std::string& id) override;
  void stop(const std::string& id) override;
  std::vector<std::string> news() override;
  std::string describe() const override;

  int places() const { return places_; }
  /// More threads than cores: ranks have to yield, and runs are slower than they could be.
  bool oversubscribed() const { return oversubscribed_; }

 private:
  enum class Phase {
    kWaiting,   // for an earlier attempt to end
    kRunning,   // mpirun lives
    kClearing,  // mpirun has ended, others of the run perhaps not
  };
  struct Running {
    Job job;
    int place = 0;
    Phase phase = Phase::kWaiting;
    double since = 0;   // of the phase
    int pid = 0;        // mpirun
    int exit_code = 0;  // of mpirun, in kClearing
    std::optional<double> stopping_since;
    bool killed = false;
    double last_look = -1;  // for processes of this run
  };

  int limit_at(int place) const;
  int jobs_at(int place) const;
  std::optional<int> free_place() const;
  void probe();
  ProcessSpec process_for(const Running& running) const;
  std::filesystem::path scratch_of(const Job& job) const;
  void remove_scratch(const Job& job) const;
  std::vector<int> processes_of(const Job& job) const;
  void launch(Running& running);
  void wait_for_leftovers(Running& running);
  void watch(Running& running);
  bool cleared(Running& running);
  void kill_all(Running& running);

  LocalOptions options_;
  Processes& processes_;
  Clock& clock_;
  int places_ = 1;
  PackingProbe probe_;
  std::vector<std::string> order_;  // ids at the first place, as they came
  std::vector<std::string> news_;
  bool oversubscribed_ = false;
  std::map<std::string, Running> running_;  // by id
};

}  // namespace hadal::launcher

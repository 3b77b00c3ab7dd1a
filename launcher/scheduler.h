// Who starts runs and ends them. A scheduler knows processes, machines and queues; what a run is
// worth, whether it is tried again and what is written about it is the business of SweepRunner.
//
// What every scheduler promises is told by tests/launcher/scheduler_contract_test.cc, which runs
// against all of them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace hadal::launcher {

/// One attempt at one run.
struct Job {
  std::string id = {};                    // unique among the jobs alive
  std::filesystem::path folder = {};      // of the run, there already, absolute
  std::vector<std::string> command = {};  // what every rank executes
  int ranks = 1;
  int cores_per_rank = 1;
  int gpus_per_rank = 0;
  double time_limit_s = 0;  // for schedulers that keep it themselves; 0: none
};

struct JobExit {
  std::string id;
  int exit_code = 0;  // as mpirun reports it; 128 + n by signal n
  /// Why, where the scheduler knows better than the exit code: "host n2 does not answer".
  std::string reason = {};
  /// The cluster ended it, not the run itself nor this launcher: another attempt may do better.
  bool interrupted = false;
};

class Scheduler {
 public:
  virtual ~Scheduler() = default;

  /// Throws ConfigError or IoError when it could not start anything: programs that are missing, a
  /// cluster that does not answer. Called once, before the first job.
  virtual void check() {}

  /// Whether one more such job can start, or be queued, now.
  virtual bool has_room(const Job& job) const = 0;

  /// Starts it, or queues it where something else decides when. Throws IoError or ConfigError.
  virtual void start(const Job& job) = 0;

  /// Takes over what an earlier launcher left of this run in a queue, waiting or running, as though
  /// it had been started here. False when there is nothing.
  virtual bool adopt(const Job& /*job*/) { return false; }

  /// Jobs that ended since the last call, with nothing of them left running. Returns soon; has to
  /// be called several times a second, for it is also what moves the ladder of stop() on.
  virtual std::vector<JobExit> poll() = 0;

  /// True while the job executes, false while it waits for its turn.
  virtual bool is_running(const std::string& id) const = 0;

  /// True when it drains and restarts jobs at their time limit by itself.
  virtual bool keeps_time_limits() const { return false; }

  /// Asks a job to save and exit (75) at its next step; one that waits is taken back. Unknown ids
  /// are passed over, as in stop(): it may have ended a moment ago.
  virtual void drain(const std::string& id) = 0;

  /// Ends a job within seconds, whatever state it is in.
  virtual void stop(const std::string& id) = 0;

  /// What people should know since the last call, one line each: "host n2 does not answer; …".
  virtual std::vector<std::string> news() { return {}; }

  /// "local: 2 cores, 1 run of 2 ranks at a time"
  virtual std::string describe() const = 0;
};

}  // namespace hadal::launcher

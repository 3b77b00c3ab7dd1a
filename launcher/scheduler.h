// Who starts runs and ends them. A scheduler knows processes and machines; what a run is worth,
// whether it is tried again and what is written about it is the business of SweepRunner.
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
};

struct JobExit {
  std::string id;
  int exit_code = 0;  // as mpirun reports it; 128 + n by signal n
};

class Scheduler {
 public:
  virtual ~Scheduler() = default;

  /// Whether one more such job can start now.
  virtual bool has_room(const Job& job) const = 0;

  /// Starts it, or queues it where something else decides when. Throws IoError.
  virtual void start(const Job& job) = 0;

  /// Jobs that ended since the last call, with nothing of them left running. Never waits; has to be
  /// called several times a second, for it is also what moves the ladder of stop() on.
  virtual std::vector<JobExit> poll() = 0;

  /// Asks a job to save and exit (75) at its next step.
  virtual void drain(const std::string& id) = 0;

  /// Ends a job within seconds, whatever state it is in.
  virtual void stop(const std::string& id) = 0;

  /// "local: 2 cores, 1 run of 2 ranks at a time"
  virtual std::string describe() const = 0;
};

}  // namespace hadal::launcher

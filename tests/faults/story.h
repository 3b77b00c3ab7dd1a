// Tells one story: starts the trainer, lets the faults happen, and looks at what is left.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "launcher/processes.h"
#include "launcher/run_store.h"
#include "tests/faults/plan.h"

namespace hadal::faults {

struct Setup {
  std::filesystem::path trainer, mpirun;
  std::filesystem::path folder;   // of everything
  double patience = kPatience_s;  // seconds until a silent rank is named
};

/// What an undisturbed training of a net leaves.
struct Undisturbed {
  std::string result;                        // the part that must be the same, as text
  std::map<std::string, std::string> files;  // of its last checkpoint
  std::multiset<std::int64_t> images;        // of an epoch
};

/// What one attempt with a fault came to.
struct Outcome {
  Fault fault;
  int exit_code = 0;
  double seconds = 0;                // from the fault to the end of the job
  std::vector<std::string> wrong{};  // empty: as it must be
};

struct Told {
  Story story;
  std::vector<Outcome> outcomes = {};
  std::vector<std::string> wrong = {};  // of the finished run
  bool finished = false;                // to the same bits
  bool images_counted = false;          // every image once in every epoch
};

class Storyteller {
 public:
  Storyteller(Setup setup, launcher::Processes& processes, Clock& clock);

  /// Trains each net once, undisturbed, and a sweep of it. Throws when that fails.
  void train_undisturbed();
  void train_undisturbed_sweeps();
  Told tell(const Story& story);

 private:
  struct Running {
    std::filesystem::path folder = {};  // of the run
    std::filesystem::path log = {};     // of this attempt
    std::filesystem::path faults = {};  // the list
    std::filesystem::path outside =
        {};                           // where logs go that survive the run's disk; empty: beside it
    std::filesystem::path disk = {};  // the file that is the run's disk; empty: none
    int attempt = 1;                  // as the run's supervisor would count it
    int number = 0;                   // of starts
    std::string result_before = {};   // result.json as the last start found it

    std::string beside() const { return (outside.empty() ? folder : outside).string(); }
  };

  Told tell_attempts(const Story& story);
  Told tell_sweep(const Story& story);
  Told tell_power_cuts(const Story& story);
  void attempts_of(const Story& story, Running& running, Told& told);
  Outcome attempt(const Story& story, const Attempt& planned, Running& running);
  int start_and_wait(const Net& net, int ranks, int compare_every, Running& running);
  int run_sweep(const std::filesystem::path& folder, const std::filesystem::path& faults,
                const std::string& log);
  int wait(int pid, double limit_s);
  void end_all(const std::filesystem::path& marked, std::vector<std::string>& wrong);
  void check_outcome(const Attempt& planned, const Running& running, Outcome& outcome);
  void check_damage(const std::filesystem::path& log, std::string& damaged, Told& told);
  void remount(const Running& running, Outcome& outcome);
  void compare(const std::filesystem::path& run, std::size_t net, std::vector<std::string>& wrong);
  void compare_sweep(const std::filesystem::path& sweep, std::size_t net,
                     std::vector<std::string>& wrong);
  void count_images(const std::filesystem::path& ids, std::size_t net, Told& told);

  Setup setup_;
  launcher::Processes& processes_;
  Clock& clock_;
  std::vector<Undisturbed> undisturbed_;  // by net
  // By net: results of its sweep by the folder of the run.
  std::vector<std::map<std::string, std::string>> undisturbed_sweeps_;
};

}  // namespace hadal::faults

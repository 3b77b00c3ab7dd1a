// What scheduler_contract_test.cc needs of each kind of scheduler to put it through the same tests.
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "launcher/scheduler.h"

namespace hadal::launcher {

/// A scheduler with all it stands on, for one test.
class SchedulerHarness {
 public:
  virtual ~SchedulerHarness() = default;
  virtual Scheduler& scheduler() = 0;
  virtual Clock& clock() = 0;
  /// A job of two ranks that behaves as these words say (fake_trainer.cc), its folder made.
  virtual Job job(const std::string& id, const std::string& words) = 0;
  /// Ranks are at work and will obey a drain.
  virtual bool has_begun(const Job& job) = 0;
  /// Processes of the job that live, the scheduler's own included.
  virtual int alive(const Job& job) = 0;
};

/// A job of the fake trainer in `root`/`id`, for harnesses that start it in earnest.
Job fake_training(const std::filesystem::path& root, const std::string& id,
                  const std::string& words);
/// Step of its progress.json is 1 at least.
bool fake_training_has_begun(const Job& job);
/// Living processes of this machine that belong to it.
int fake_training_alive(const Job& job);

struct HarnessMaker {
  std::string name = {};
  /// Why it cannot be made here ("slurmctld is not installed"); "" when it can.
  std::function<std::string()> missing = [] { return ""; };
  std::function<std::unique_ptr<SchedulerHarness>()> make = {};

  friend void PrintTo(const HarnessMaker& maker, std::ostream* out) { *out << maker.name; }
};

/// The kinds under test in this program; each program that links the contract defines it.
std::vector<HarnessMaker> harness_makers();

}  // namespace hadal::launcher

#include <unistd.h>

#include "core/base/files.h"
#include "launcher/environment.h"
#include "launcher/schedulers/local.h"
#include "tests/launcher/scheduler_contract.h"

namespace hadal::launcher {
namespace {

class LocalHarness final : public SchedulerHarness {
 public:
  Scheduler& scheduler() override { return scheduler_; }
  Clock& clock() override { return clock_; }
  Job job(const std::string& id, const std::string& words) override {
    return fake_training(root_.path(), id, words);
  }
  bool has_begun(const Job& job) override { return fake_training_has_begun(job); }
  int alive(const Job& job) override { return fake_training_alive(job); }

 private:
  TemporaryFolder root_;
  SystemProcesses processes_;
  SystemClock clock_;
  LocalScheduler scheduler_{
      {.cores = usable_cores(), .ranks = 2, .slots = 2, .as_root = ::geteuid() == 0},
      processes_,
      clock_};
};

}  // namespace

std::vector<HarnessMaker> harness_makers() {
  return {{.name = "local", .make = [] { return std::make_unique<LocalHarness>(); }}};
}

}  // namespace hadal::launcher

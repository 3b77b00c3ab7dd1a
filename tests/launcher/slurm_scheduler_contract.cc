// The Slurm scheduler against a real Slurm of this machine.
#include "launcher/environment.h"
#include "launcher/schedulers/slurm.h"
#include "tests/launcher/real_slurm.h"
#include "tests/launcher/scheduler_contract.h"

namespace hadal::launcher {
namespace {

class SlurmHarness final : public SchedulerHarness {
 public:
  Scheduler& scheduler() override { return scheduler_; }
  Clock& clock() override { return clock_; }
  Job job(const std::string& id, const std::string& words) override {
    return fake_training(root_.path(), id, words);
  }
  bool has_begun(const Job& job) override { return fake_training_has_begun(job); }
  int alive(const Job& job) override { return fake_training_alive(job); }

 private:
  RealSlurm slurm_;
  TemporaryFolder root_;
  SystemTools tools_;
  SystemClock clock_;
  SlurmScheduler scheduler_{
      {.program = HADAL_PROGRAM, .look_every_s = 0.2, .silence_limit_s = 5}, tools_, clock_};
};

}  // namespace

std::vector<HarnessMaker> harness_makers() {
  return {{.name = "slurm", .missing = RealSlurm::missing, .make = [] {
             return std::make_unique<SlurmHarness>();
           }}};
}

}  // namespace hadal::launcher

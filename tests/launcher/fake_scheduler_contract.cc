// The fake keeps the promises of real schedulers, so that what is tested with it holds for them.
#include <fstream>

#include "core/base/files.h"
#include "core/base/strings.h"
#include "tests/launcher/fake_scheduler.h"
#include "tests/launcher/scheduler_contract.h"

namespace hadal::launcher {
namespace {

class FakeHarness final : public SchedulerHarness {
 public:
  Scheduler& scheduler() override { return scheduler_; }
  Clock& clock() override { return clock_; }

  Job job(const std::string& id, const std::string& words) override {
    FakeScheduler::Ending ending{.before = &train};
    if (words.find("words78") != std::string::npos) ending = {.exit_code = 78};
    if (words.find("die=kill") != std::string::npos) ending = {.exit_code = 137};
    if (words.find("steps=100") != std::string::npos) ending = {.exit_code = -1};
    scheduler_.script(id, ending);
    if (words.starts_with("steps=100 ")) scheduler_.script(id, {.before = &train});
    return fake_training(root_.path(), id, words);
  }

  bool has_begun(const Job& job) override { return scheduler_.is_running(job.id); }
  int alive(const Job& job) override { return scheduler_.is_running(job.id); }

 private:
  static void train(const Job& job) {
    std::ofstream arguments(job.folder / "arguments");
    for (std::size_t i = 5; i < job.command.size(); ++i) arguments << job.command[i] << '\0';
    std::ofstream(job.folder / "started_at") << "0 1 ";
    FakeScheduler::finish_well(job);
  }

  TemporaryFolder root_;
  FakeClock clock_;
  FakeScheduler scheduler_{clock_, 2};
};

}  // namespace

std::vector<HarnessMaker> harness_makers() {
  return {{.name = "fake", .make = [] { return std::make_unique<FakeHarness>(); }}};
}

}  // namespace hadal::launcher

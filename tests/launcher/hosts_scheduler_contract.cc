// The hosts scheduler over ssh, against hosts in network namespaces of this machine.
#include <cstdlib>

#include "launcher/schedulers/hosts.h"
#include "tests/launcher/real_hosts.h"
#include "tests/launcher/scheduler_contract.h"

namespace hadal::launcher {
namespace {

class HostsHarness final : public SchedulerHarness {
 public:
  // A cleared job has been asked for over ssh; ranks of both hosts share this machine's cores.
  HostsHarness() { ::setenv("OMPI_MCA_mpi_yield_when_idle", "1", 1); }

  Scheduler& scheduler() override { return scheduler_; }
  Clock& clock() override { return clock_; }
  Job job(const std::string& id, const std::string& words) override {
    return fake_training(root_.path(), id, words);
  }
  bool has_begun(const Job& job) override { return fake_training_has_begun(job); }
  int alive(const Job& job) override { return fake_training_alive(job); }

 private:
  RealHosts hosts_{2};
  TemporaryFolder root_;
  SystemProcesses processes_;
  SystemClock clock_;
  HostsScheduler scheduler_{{.hosts = {{"n1", 2}, {"n2", 2}},
                             .ranks = 2,
                             .program = HADAL_PROGRAM,
                             .ssh_config = hosts_.ssh_config(),
                             .network = RealHosts::kNetwork,
                             .as_root = true},
                            processes_,
                            clock_};
};

}  // namespace

std::vector<HarnessMaker> harness_makers() {
  return {{.name = "hosts", .missing = RealHosts::missing, .make = [] {
             return std::make_unique<HostsHarness>();
           }}};
}

}  // namespace hadal::launcher

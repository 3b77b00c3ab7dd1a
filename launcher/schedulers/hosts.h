// Runs on several machines by Open MPI over ssh, from a file of hosts:
//
//   # name, how many cores of it may be used (1 where nothing is said), and how many GPUs
//   n1 slots=8 gpus=2
//   n2 slots=8 gpus=2
//
// They share a file system with this machine, and this program lies at the same path on all of
// them.
//
// A host that does not answer is taken out, said so, and asked again later, each time after twice
// as long; the runs go on with the hosts that are left. Before a run starts and after one has ended
// badly, `hadal sweep reap` runs on each of its hosts: whether ssh comes through says whether the
// host is there, and what earlier attempts left on it is given time to save and ended.
//
// Ranks that want GPUs get some of their host's to themselves, by CUDA's numbers.
//
// mpirun is a child of this launcher as on one machine: it gets SIGUSR1 when the launcher dies.
// When ranks have said their last words and mpirun still waits for a host that is gone, which it
// may do for ever, it is ended (last_words.h).
#pragma once

#include <filesystem>
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

struct Host {
  std::string name;
  int slots = 1;
  int gpus = 0;
};

/// Throws IoError and ConfigError that name file and line: names are letters, digits, '.', '_' and
/// '-', not starting with '-', for ssh gets them.
std::vector<Host> read_hostfile(const std::filesystem::path& file);

struct HostsOptions {
  std::vector<Host> hosts = {};
  int ranks = 1;  // of every job
  int cores_per_rank = 1;
  int gpus_per_rank = 0;
  int most_jobs = 0;  // at a time; 0: as many as fit
  std::string mpirun = "mpirun";
  std::string program = "hadal";          // this program, on every host
  std::string ssh_config = {};            // for ssh -F
  std::string network = {};               // "10.77.0.0/24": what ranks talk over; "": all there is
  std::vector<std::string> pass_on = {};  // environment variables the ranks get too
  bool as_root = false;
  double cool_down_s = 600;  // a host that did not answer is left alone so long, doubled each time
};

class HostsScheduler final : public Scheduler {
 public:
  HostsScheduler(HostsOptions options, Processes& processes, Clock& clock);
  /// Ends what still runs, at once.
  ~HostsScheduler() override;

  /// Asks all hosts; those that do not answer are taken out. Throws ConfigError when none is left
  /// or a job would not fit on all of them together.
  void check() override;

  bool has_room(const Job& job) const override;
  void start(const Job& job) override;
  std::vector<JobExit> poll() override;
  bool is_running(const std::string& id) const override;
  void drain(const std::string& id) override;
  void stop(const std::string& id) override;
  std::vector<std::string> news() override;
  std::string describe() const override;

 private:
  struct HostState {
    Host host;
    double out_until = -1;   // taken out while the clock is below
    double cool_down_s = 0;  // of the last time
  };
  struct Probe {  // an ssh on its way
    std::string host;
    int pid = 0;
    double since = 0;
    std::optional<int> exit_code = {};
  };
  enum class Phase {
    kPreparing,  // hosts are asked, leftovers are ended
    kRunning,    // mpirun lives
    kClearing,   // mpirun has ended; its hosts are asked why
  };
  struct Share {  // of a host
    int ranks = 0;
    std::vector<int> gpus = {};
  };
  using Shares = std::map<std::string, Share>;  // by host
  struct Running {
    Job job;
    Phase phase = Phase::kPreparing;
    Shares shares = {};
    std::vector<Probe> probes = {};
    std::optional<Claim> claim = {};
    int pid = 0;  // mpirun
    int exit_code = 0;
    std::optional<double> stopping_since = {};
    std::optional<LastWordsWatch> last_words = {};
    double looked_at = -1e9;
    bool killed = false;
  };

  Shares place(const Job& job) const;
  int free_slots(const HostState& host) const;
  std::vector<int> free_gpus(const HostState& host) const;
  std::vector<std::string> ssh(const std::string& host,
                               const std::vector<std::string>& command) const;
  void ask_hosts(Running& running, int patience_s);
  bool have_answered(std::vector<Probe>& probes);
  std::vector<std::string> take_out_the_dead(const std::vector<Probe>& probes);
  void launch(Running& running);
  ProcessSpec process_for(const Running& running) const;
  void watch(Running& running);
  std::optional<JobExit> advance(Running& running);
  std::optional<JobExit> prepare(Running& running);
  std::optional<JobExit> clear(Running& running);
  void give_up_preparing(Running& running);

  HostsOptions options_;
  Processes& processes_;
  Clock& clock_;
  std::vector<HostState> hosts_;
  std::map<std::string, Running> running_;  // by id
  std::vector<std::string> news_;
};

/// What `hadal sweep reap` does on a host: waits for processes of the run in `folder` to leave,
/// ends them when patience is over. For processes of this machine and user.
void reap_run(const std::filesystem::path& folder, double patience_s, Processes& processes,
              Clock& clock);

}  // namespace hadal::launcher

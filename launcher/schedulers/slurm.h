// Runs as batch jobs of Slurm.
//
// The queue is the memory: a job's comment carries the hash of its run's folder, so a launcher that
// comes back finds what an earlier one submitted and takes it over; unlike elsewhere, what was
// submitted goes on without a launcher. Every start of a job claims its run (claim.h), because
// Slurm may start one twice when its controller is killed at the wrong moment, and says in
// attempts/N/exit.json how it ended; accounting (sacct) is not needed.
//
// Draining is SIGUSR2 to the batch step (save and end); Slurm's own SIGUSR1 (--signal before the
// time limit, preemption) makes the job save and go back into the queue by itself, which is not an
// end. A plain scancel sends SIGTERM to the ranks, which leaves them no time to save.
//
// Values of a sweep travel in files and as arguments, never through a shell, and only the
// variables named in the options leave this environment: sbatch would store all of it on the
// controller's disk.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "launcher/claim.h"
#include "launcher/scheduler.h"
#include "launcher/tools.h"

namespace hadal::launcher {

struct SlurmOptions {
  std::string program = "hadal";       // supervises the attempt inside the job
  std::string partition = {};          // "": Slurm's default
  std::vector<std::string> more = {};  // further arguments of sbatch: "--account=x"
  int most_jobs = 100;                 // submitted at a time; MaxJobCount is 10,000 by default
  double drain_margin_s = 120;         // before the time limit
  std::string mpirun = "mpirun";
  /// Environment variables the jobs get besides those every job needs.
  std::vector<std::string> pass_on = {};
  double look_every_s = 2;  // squeue asks the controller, which serves many
  /// A job that is gone from the queue while its attempt still gives signs of life is not over
  /// (the controller forgot it); without a sign for so long it is. The same for an attempt that a
  /// later one finds at work, and for a job of which Slurm alone says that it runs.
  double silence_limit_s = 90;
};

class SlurmScheduler final : public Scheduler {
 public:
  SlurmScheduler(SlurmOptions options, Tools& tools, Clock& clock);

  /// Throws ConfigError when Slurm's programs are not there or the partition is unknown, IoError
  /// when its controller does not answer.
  void check() override;

  bool has_room(const Job& job) const override;
  void start(const Job& job) override;
  bool adopt(const Job& job) override;
  std::vector<JobExit> poll() override;
  bool is_running(const std::string& id) const override;
  bool keeps_time_limits() const override { return true; }
  void drain(const std::string& id) override;
  void stop(const std::string& id) override;
  std::vector<std::string> news() override;
  std::string describe() const override;

 private:
  enum class Wish { kNone, kDrain, kStop };
  struct Entry {  // a line of squeue
    std::string id, state, comment, reason;
  };
  struct Submitted {
    Job job;
    std::string slurm_id;  // "" until sbatch has succeeded
    double submit_at = 0;  // not before
    Wish wish = Wish::kNone;
    double wished_at = -1e9;
    bool running = false;
    double heard_at = 0;      // when it last gave a sign of life, or did not run
    int looks_gone = 0;       // how often in a row it was not in the queue
    std::string told_reason;  // why it waits, as last told
  };

  void submit(Submitted& submitted);
  std::vector<std::string> sbatch_arguments(const Job& job) const;
  bool look();
  std::optional<JobExit> follow(Submitted& submitted, const Entry* entry);
  std::optional<JobExit> follow_alive(Submitted& submitted, const Entry& entry);
  bool is_ghost(Submitted& submitted);
  JobExit take_back(const Submitted& submitted, const std::string& why);
  JobExit exit_of(const Submitted& submitted, const std::optional<ClaimRecord>& claim,
                  const std::string& state) const;
  std::optional<ClaimRecord> claim_of(const Submitted& submitted) const;
  void send_wish(Submitted& submitted);
  void tell_why_it_waits(Submitted& submitted, const Entry& entry);

  SlurmOptions options_;
  Tools& tools_;
  Clock& clock_;
  ClaimWatch watch_;
  std::map<std::string, Submitted> submitted_;  // by id of the job
  std::vector<std::string> news_;
  std::vector<Entry> queue_;  // when last looked
  double looked_at_ = -1e9;
  bool answers_ = true;  // the controller, when last asked
};

}  // namespace hadal::launcher

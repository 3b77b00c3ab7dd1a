// Runs as batch jobs of Slurm.
//
// Runs that are started together and ask for the same are one sbatch: an array with a task for
// each, of which only so many execute at a time as are wanted. Slurm's tools know the tasks one by
// one
// ("36_7"), so each waits, ends, comes back and is cancelled for itself.
//
// The queue is the memory: a job's comment carries a mark that its runs have in their folders too
// (slurm_job.h), so a launcher that comes back finds what an earlier one submitted and takes it
// over; unlike elsewhere, what was submitted goes on without a launcher. Every start of a job
// claims its run (claim.h), because Slurm may start one twice when its controller is killed at the
// wrong moment, and says in attempts/N/exit.json how it ended; accounting (sacct) is not needed.
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
#include "core/base/error.h"
#include "launcher/claim.h"
#include "launcher/scheduler.h"
#include "launcher/schedulers/slurm_job.h"
#include "launcher/schedulers/slurm_queue.h"
#include "launcher/tools.h"

namespace hadal::launcher {

struct SlurmOptions {
  std::string program = "hadal";       // supervises the attempt inside the job
  std::string partition = {};          // "": Slurm's default
  std::vector<std::string> more = {};  // further arguments of sbatch: "--account=x"
  int most_jobs = 1000;                // in its queue at a time; MaxJobCount is 10,000 by default
  int most_running = 0;                // of them; 0: as many as Slurm has room for
  double drain_margin_s = 120;         // before the time limit
  RankStarter starter = {};
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
  struct Submitted {
    Job job;
    Ticket ticket;         // no mark until it is submitted
    std::string slurm_id;  // "" until sbatch has succeeded
    double submit_again_at = 0;
    Wish wish = Wish::kNone;
    double wished_at = -1e9;
    bool running = false;
    double heard_at = 0;      // when it last gave a sign of life, or did not run
    int looks_gone = 0;       // how often in a row it was not in the queue
    std::string told_reason;  // why it waits, as last told
  };

  int places_left() const;
  void submit_what_waits();
  std::vector<std::string> take_alike(int most);
  void submit(const std::vector<std::string>& ids, int at_a_time);
  ToolOutput call_sbatch(const std::vector<std::string>& ids);
  void refuse(const std::vector<std::string>& ids, const Error& error);
  std::optional<JobExit> follow(Submitted& submitted);
  std::optional<JobExit> follow_unknown(Submitted& submitted);
  std::optional<JobExit> follow_alive(Submitted& submitted, const QueueEntry& entry);
  bool is_ghost(Submitted& submitted);
  JobExit take_back(const Submitted& submitted, const std::string& why);
  JobExit exit_of(const Submitted& submitted, const std::optional<ClaimRecord>& claim,
                  const std::string& state) const;
  std::optional<ClaimRecord> claim_of(const Submitted& submitted) const;
  void wish(const std::string& id, Wish wish);
  void send_wishes();
  void tell_why_it_waits(Submitted& submitted, const QueueEntry& entry);

  SlurmOptions options_;
  Tools& tools_;
  Clock& clock_;
  ClaimWatch watch_;
  SlurmQueue queue_;
  std::size_t most_tasks_ = 1000;               // of an array
  std::map<std::string, Submitted> submitted_;  // by id of the job
  std::vector<std::string> waiting_;            // ids of those not submitted, in their order
  int sbatches_ = 0;
  std::vector<JobExit> ended_;  // that poll() has not told yet
  std::vector<std::string> news_;
};

}  // namespace hadal::launcher

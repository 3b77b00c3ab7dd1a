// Takes a sweep from its plan to its last result: starts what is not finished, watches, records,
// tries again what is worth it, and stops so that the next call can go on.
//
// One thread and one loop. All that lasts is in files before it is told: a run counts as finished
// when its result.json is on the disk, whatever its exit code; the journal tells the story, and
// what a strategy or people decided stands there before it is acted on.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "launcher/exit_reason.h"
#include "launcher/progress_view.h"
#include "launcher/scheduler.h"
#include "launcher/strategy.h"
#include "launcher/sweep_requests.h"
#include "launcher/sweep_store.h"

namespace hadal::launcher {

struct SweepRunnerOptions {
  std::string trainer = "hadal";  // the program whose `train` every rank executes
  double tick_s = 0.1;
  double show_every_s = 0.5;
  /// A run from which nothing is heard for so long (log, metrics, progress) is ended as hung. The
  /// watchdogs of its ranks are much faster; this is for when they cannot speak.
  double silence_limit_s = 1800;
  /// A run that diverged would diverge again, bit by bit, so it is left alone unless asked for.
  bool retry_diverged = false;
  double look_for_requests_every_s = 1;
  /// A cancelled run that has not saved itself by then is ended.
  double cancel_patience_s = 60;
  /// For strategies that add draws of the random axes: those there are, and the plan with all that
  /// the journal says were drawn.
  Candidates candidates = {};
  std::function<SweepPlan(const std::vector<JournalLine>& journal)> replan = {};
};

struct SweepSummary {
  int finished = 0;  // before or now
  int failed = 0;
  int unfinished = 0;     // drained or never started
  int stopped_early = 0;  // by the strategy, which has nothing more to start
  int cancelled = 0;      // by people
};

class SweepRunner {
 public:
  /// `stop_requests` counts the user's wishes to stop: 1 drains, 2 ends at once. Throws ConfigError
  /// when the plan's strategy cannot decide about it, DataError when the journal is damaged.
  SweepRunner(SweepPlan plan, SweepFolder& folder, Scheduler& scheduler, Clock& clock,
              ProgressView& view, std::function<int()> stop_requests,
              SweepRunnerOptions options = {});

  /// Runs until nothing is left to do or to wait for. A failed run is recorded and the rest goes
  /// on. When the sweep folder itself cannot be written, what runs is drained and the IoError
  /// passed on.
  SweepSummary run();

 private:
  enum class Phase { kQueued, kRunning, kPaused, kFinished, kFailed, kCancelled, kUnfinished };
  struct Run {
    PlannedRun planned;
    std::filesystem::path folder;
    Phase phase = Phase::kQueued;
    int granted = 0;  // epochs it may train; 0: the strategy has not let it go yet
    bool diverged = false;
    std::map<int, double> validation_error = {};
    bool cancelling = false;  // drained because people cancelled it
    double cancelled_at = 0;
    bool wanted_again = false;  // by people, before it had ended
    double not_before = 0;
    double started = 0;            // of this attempt, or submitted
    bool executing = false;        // false while it waits in the scheduler's queue
    std::uintmax_t log_start = 0;  // size of log.txt when this attempt began
    std::vector<Attempt> attempts;
    std::string heard;  // what the run's files looked like when last it spoke
    double heard_at = 0;
    bool asked_to_end = false;
    bool hung = false;
  };

  void add_run(const PlannedRun& planned, const std::filesystem::path& folder);
  void recall();
  void skip_settled();
  bool is_settled(Run& run);
  void read_errors(Run& run);
  Standing standing_of(const Run& run) const;
  bool is_over() const;
  std::optional<Decision> next_decision();
  bool decide();
  bool has_more_to_start();
  void draw(const Decision& decision);
  void grant(Run& run, const Decision& decision);
  bool may_start(const Run& run) const;
  const Run* canary() const;
  void obey_people();
  void cancel(Run& run);
  void take_back(Run& run);
  void put_back(Run& run);
  void pause(Run& run, const RunResult& result);
  void adopt_what_is_queued();
  void loop();
  void obey_stop_requests();
  void settle(Run& run, const JobExit& ended);
  void fail(Run& run, int exit_code, const std::string& reason);
  void retry_or_fail(Run& run, int exit_code, std::string reason);
  void start_what_fits();
  void start(Run& run);
  void begin_attempt(Run& run);
  void watch(Run& run);
  void show();
  void wait_for_the_rest();
  Job job_of(const Run& run) const;
  RunResult result_of(const Run& run, RunStatus status, int exit_code,
                      const std::string& reason) const;
  int count(Phase phase) const;
  int executing() const;
  void note(const std::string& what, const Run& run, const std::string& detail = "");
  std::string summary_line() const;

  SweepPlan plan_;
  SweepFolder& folder_;
  Scheduler& scheduler_;
  Clock& clock_;
  ProgressView& view_;
  std::function<int()> stop_requests_;
  SweepRunnerOptions options_;
  std::unique_ptr<Strategy> strategy_;
  std::vector<Run> runs_;
  JournalState before_;  // what the journal came to when this began
  int stops_obeyed_ = 0;
  int failures_ = 0;
  bool stop_after_failure_ = false;
  bool nothing_to_decide_ = false;  // until something has happened to a run
  double looked_for_requests_at_ = -1e9;
  double shown_at_ = -1e9;
  double began_ = 0;
};

}  // namespace hadal::launcher

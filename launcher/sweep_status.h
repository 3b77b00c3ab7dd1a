// How far the runs of a sweep are, for people.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "launcher/sweep_store.h"

namespace hadal::launcher {

struct SweepStatus {
  /// kIdle: trained a while, and nothing trains it now. kPaused: as far as its strategy let it go.
  enum class State { kRunning, kFailed, kFinished, kPaused, kIdle, kCancelled, kWaiting };
  struct Line {
    State state = State::kWaiting;
    std::string hash, name;
    std::string detail;  // "finished, test error 5.84 %, 3m 05s", "failed: …"
  };
  std::string heading;      // "depth: a launcher is at work (pid 12 on reef)"
  std::vector<Line> lines;  // in the order of the plan
  std::string summary;      // "12 runs: 3 finished, 2 running, 7 waiting; about 4m 10s left"
};

SweepStatus::State state_of(const SweepRecord::Run& run);

/// "running", "failed", "finished", "paused", or "stopped early" where its strategy has nothing
/// more to start, "unfinished", "cancelled", "waiting".
std::string name_of(SweepStatus::State state, bool over);

/// "2 finished, 1 running": how many runs are in each state that any is in.
std::string counts_of(const SweepRecord& sweep);

/// Seconds until the sweep is done, if it goes on as it has: what running runs expect, and for each
/// that waits the mean of what is known of the others, spread over as many at a time as run now.
/// None where nothing runs or nothing is known yet, and of a sweep whose strategy chooses which
/// runs go on.
std::optional<double> seconds_left(const SweepRecord& sweep);

/// What read_sweep(…, ReadRuns::kState) tells.
SweepStatus status_of(const SweepRecord& sweep);

/// The heading, a line per run, the summary. Of sweeps of more than `most` runs only those that
/// run, failed, or wait for another attempt are listed.
std::vector<std::string> lines_of(const SweepStatus& status, std::size_t most);

}  // namespace hadal::launcher

// How far the runs of a sweep are, for people.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "launcher/sweep_store.h"

namespace hadal::launcher {

struct SweepStatus {
  /// kIdle: trained a while, and nothing trains it now. kPaused: as far as its strategy let it go.
  enum class State { kFinished, kFailed, kCancelled, kPaused, kRunning, kIdle, kWaiting };
  struct Line {
    State state = State::kWaiting;
    std::string hash, name;
    std::string detail;  // "finished, test error 5.84 %, 3m 05s", "failed: …"
  };
  std::string heading;      // "depth: a launcher is at work (pid 12 on reef)"
  std::vector<Line> lines;  // in the order of the plan
  std::string summary;      // "12 runs: 3 finished, 2 running, 7 waiting; about 4m 10s left"
};

/// What read_sweep(…, ReadRuns::kState) tells. The time left supposes that what waits takes as long
/// as what has finished, with as many runs at a time as now; it is told of sweeps of which every
/// run is run to its end.
SweepStatus status_of(const SweepRecord& sweep);

/// The heading, a line per run, the summary. Of sweeps of more than `most` runs only those that
/// run, failed, or wait for another attempt are listed.
std::vector<std::string> lines_of(const SweepStatus& status, std::size_t most);

}  // namespace hadal::launcher

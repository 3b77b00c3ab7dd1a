// What ranks leave in a run's folder when they end themselves because others are silent
// (dist/watchdog.h): rank<k>.last.json. Open MPI may then wait for a host that is gone for ever, so
// that whoever started mpirun has to end it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "core/base/clock.h"
#include "launcher/processes.h"

namespace hadal::launcher {

/// Watches one mpirun, and ends it when it outlives the last words of its ranks.
class LastWordsWatch {
 public:
  /// Forgets what an earlier attempt at the run in `folder` has said. To be made before mpirun is
  /// started.
  LastWordsWatch(std::filesystem::path folder, Processes& processes, Clock& clock);

  /// To be called several times a second while mpirun, which has this pid, lives: looks once a
  /// second, sends SIGTERM 5 s after last words, and SIGKILL 3 s after that.
  void look(int pid);
  /// mpirun was ended here: its exit code says nothing, the run has hung (ExitCode::kHang).
  bool has_ended_it() const { return ended_at_.has_value(); }
  /// What was said first: "rank 1 (n1) waited 6.0 s in …"; "" when nothing was said.
  std::string words() const;

 private:
  std::filesystem::path folder_;
  Processes& processes_;
  Clock& clock_;
  double looked_at_ = -1e9;
  std::optional<double> heard_at_, ended_at_;
  bool killed_ = false;
};

}  // namespace hadal::launcher

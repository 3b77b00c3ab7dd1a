// Ends a job that hangs, which Open MPI never does: a thread per rank that looks at the heartbeats
// of its machine and never calls MPI, so it works while the main thread sits in a call for ever.
//
// A rank that waits for the others longer than its limit looks who has not come. A rank that is
// late but still gives signs of life is waited for; one that is silent is named, on one line of
// stderr, and the process ends with ExitCode::kHang; mpirun then ends the rest. A rank whose own
// operation takes too long names itself. A rank of this machine whose process is gone ends the job
// at once, with kPeerLost. Ranks on other machines cannot be seen: then the line says on which
// hosts the silent rank must be.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/base/error.h"
#include "dist/heartbeat.h"

namespace hadal::dist {

struct WatchdogOptions {
  /// Longest silence in each phase, in seconds, by Phase. A network that loses packets delays a
  /// healthy all-reduce by up to ten seconds; do not go below that in earnest.
  std::array<double, 6> limit_s = {120, 60, 120, 60, 600, 30};
  /// Multiplies all limits.
  double patience = 1.0;
  double period_s = 0.1;
  /// Where rank<k>.last.json goes; empty: nowhere.
  std::filesystem::path run_folder;

  double limit(Phase phase) const { return patience * limit_s[static_cast<std::size_t>(phase)]; }
  /// While a rank waits during start-up, a checkpoint or the end, others may need so long too.
  double limit(const Beat& beat) const;
};

/// All that a verdict is made from.
struct Observation {
  int rank = 0;
  std::vector<Beat> beats;         // by rank; kAbsent for ranks that cannot be seen
  std::vector<std::string> hosts;  // by rank; empty until known
  std::int64_t now_ns = 0;
  /// When this process was last seen to have been stopped as a whole (SIGSTOP, a closed laptop):
  /// silence before that counts for nothing.
  std::int64_t resumed_ns = 0;
  /// "stopped", "running", "gone"...: the state of a process of this machine.
  std::function<std::string(std::int32_t pid)> process_state;
};

struct Verdict {
  ExitCode code = ExitCode::kHang;
  int silent_rank = -1;  // -1: none could be named
  std::string line;
};

/// What rank `rank` sees of the board now; resumed_ns is 0.
Observation observe(const HeartbeatBoard& board, int rank, std::vector<std::string> hosts);

/// Whether the job must end, and why.
std::optional<Verdict> judge(const Observation& seen, const WatchdogOptions& options);

/// "rank 0 (n1, pid 7), rank 1 (n1, pid 8): collective "barrier" at step 12; rank 2 (n1, pid 9):
/// …": the ranks that this machine can see, those that do the same together.
std::string whereabouts(const Observation& seen);

/// From /proc/<pid>/stat: "running", "sleeping", "waiting for I/O", "stopped", "gone".
std::string process_state(std::int32_t pid);

class Watchdog {
 public:
  /// Watches rank `rank` of the board, which must outlive the watchdog.
  Watchdog(HeartbeatBoard& board, int rank, const WatchdogOptions& options);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// The host of every rank, once known.
  void set_hosts(std::vector<std::string> hosts);

 private:
  void run();
  Observation observe_since(std::int64_t resumed_ns) const;
  [[noreturn]] void end_job(const Verdict& verdict, const Observation& seen);

  HeartbeatBoard& board_;
  const int rank_;
  const WatchdogOptions options_;
  std::mutex mutex_;
  std::condition_variable stop_changed_;
  bool stop_ = false;               // guarded by mutex_
  std::vector<std::string> hosts_;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace hadal::dist

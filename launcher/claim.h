// Who may write a run's folder, when a cluster may start the same job twice.
//
//   attempts/0001/owner.json   {"job":"36","host":"n1","pid":4711,"time":"…Z"}
//   attempts/0001/beat         a number that grows while the attempt lives
//   attempts/0001/exit.json    {"exit_code":75,"time":"…Z"}: nothing of it runs any more
//
// Every start of a run makes the next folder, atomically (mkdir, which also holds on NFS), and the
// highest number owns the run. An earlier owner that still lives sees the new folder, ends its
// ranks and writes exit.json; the new one waits for that before it starts its own, or until the
// earlier one has been silent for so long that its host must be gone. Should that host come back,
// the ranks there ask (Fence) before they write and stop.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/error.h"

namespace hadal::launcher {

/// What attempts/N says.
struct ClaimRecord {
  int number = 0;
  std::string job = {};  // in the words of the scheduler; "" when nothing was written
  std::string host = {};
  std::string beat = {};
  std::optional<int> exit_code = {};  // once nothing of it runs
};

/// Nothing of attempt `number` runs any more; for those who know it of somebody else's attempt that
/// could not say so. Throws IoError.
void release_claim(const std::filesystem::path& folder, int number, int exit_code);

/// Of one run, ascending.
std::vector<ClaimRecord> read_claims(const std::filesystem::path& folder);

/// The one this process made; release_claim() ends it.
class Claim {
 public:
  /// Makes the next one for `job` of the scheduler. Throws IoError.
  Claim(const std::filesystem::path& folder, const std::string& job);

  int number() const { return number_; }
  /// A sign of life; never throws, for a full disk is not the end of a run.
  void beat();
  /// False once somebody else has made a later one.
  bool is_latest() const;

 private:
  std::filesystem::path folder_;  // attempts/
  int number_ = 0;
  long long beats_ = 0;
};

/// Tells living owners from dead ones by whether their beat moves, on this machine's clock alone.
class ClaimWatch {
 public:
  ClaimWatch(const Clock& clock, double silence_limit_s)
      : clock_(clock), silence_limit_s_(silence_limit_s) {}
  /// False when it has been released, or its beat has not changed for the limit. `folder` of the
  /// run.
  bool is_alive(const std::filesystem::path& folder, const ClaimRecord& claim);

 private:
  struct Heard {
    std::string beat;
    double at = 0;
  };
  const Clock& clock_;
  double silence_limit_s_;
  std::map<std::string, Heard> heard_;  // by attempts/N
};

/// Another attempt owns the run: nothing may be written, not even why this one ends.
struct Superseded : Error {
  explicit Superseded(const std::string& message) : Error(ExitCode::kDrained, message) {}
};

/// What a rank asks before it writes: whether the attempt it belongs to still owns the run.
class Fence {
 public:
  /// Of the attempt named in HADAL_ATTEMPT; never closed where there is none.
  explicit Fence(const std::filesystem::path& folder);
  /// Throws Superseded: "attempt 2 of r17 is owned by job 36 on n1; this one (1) stops".
  void require_open() const;

 private:
  std::filesystem::path folder_;
  int number_ = 0;  // 0: not fenced
};

/// The environment variable by which a supervisor tells its ranks their attempt.
inline constexpr const char* kAttemptVariable = "HADAL_ATTEMPT";

}  // namespace hadal::launcher

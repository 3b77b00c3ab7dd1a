// What the exit code of mpirun says about a run that ended without words of its own, and whether it
// is worth another attempt.
#pragma once

#include <span>
#include <string>

namespace hadal::launcher {

/// One line: "killed by signal 9 (SIGKILL), perhaps for want of memory", "configuration error", …
/// Codes of Hadal itself (core/base/error.h), of mpirun (1, 110, 205), ssh (255) and 128 + signal.
std::string describe_exit(int exit_code);

/// How one attempt at a run ended without finishing it.
struct Attempt {
  int exit_code = 0;
  std::string checkpoint = {};  // the newest at its end; "" if none
  long long step = 0;           // the furthest reached
};

struct RetryDecision {
  bool again = false;
  double wait_s = 0;     // before the next attempt
  std::string why = {};  // when not again: completes "…; "
};

/// Whether to try once more after `attempts` (oldest first, at least one).
///
/// A checkpoint further on refreshes the budget. Killed, hung or disconnected ranks are worth
/// `budget` attempts (waiting 1, 4, 16, … s); a hang two; memory two; a crash ends it when the one
/// before happened at the same step. Everything that would only repeat itself (usage,
/// configuration, data, a full disk, NaN, replicas that differ) is not tried again.
RetryDecision decide_retry(std::span<const Attempt> attempts, int budget);

}  // namespace hadal::launcher

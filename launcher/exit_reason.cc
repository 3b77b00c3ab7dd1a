#include "launcher/exit_reason.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstring>

#include <fmt/format.h>

#include "core/base/error.h"

namespace hadal::launcher {
namespace {

constexpr int kMpirunTimeout = 110, kDaemonLost = 205, kSshFailed = 255;

enum class Kind { kPermanent, kTransient, kHang, kCrash, kMemory };

bool is_signal(int exit_code) { return exit_code > 128 && exit_code < 128 + NSIG; }

Kind kind_of(int exit_code) {
  switch (exit_code) {
    case static_cast<int>(ExitCode::kPeerLost):
    case kDaemonLost:
    case kSshFailed:
      return Kind::kTransient;
    case static_cast<int>(ExitCode::kHang):
    case kMpirunTimeout:
      return Kind::kHang;
    case static_cast<int>(ExitCode::kOutOfMemory):
      return Kind::kMemory;
    case 128 + SIGSEGV:
    case 128 + SIGABRT:
    case 128 + SIGBUS:
    case 128 + SIGFPE:
    case 128 + SIGILL:
      return Kind::kCrash;
    default:
      return is_signal(exit_code) ? Kind::kTransient : Kind::kPermanent;
  }
}

// Attempts at the end of the list that got no further than the checkpoint they started from.
int without_progress(std::span<const Attempt> attempts) {
  int count = 1;
  for (std::size_t i = attempts.size() - 1; i > 0; --i, ++count)
    if (attempts[i].checkpoint != attempts[i - 1].checkpoint) break;
  return count;
}

}  // namespace

std::string describe_exit(int exit_code) {
  switch (exit_code) {
    case 0:
      return "ended without a result";
    case 1:
      return "a rank left without finishing, or mpirun was terminated";
    case static_cast<int>(ExitCode::kUsage):
      return "command line not understood";
    case static_cast<int>(ExitCode::kBadData):
      return "bad data";
    case static_cast<int>(ExitCode::kMissingInput):
      return "input missing";
    case static_cast<int>(ExitCode::kInternal):
      return "internal error";
    case static_cast<int>(ExitCode::kCannotWrite):
      return "cannot write";
    case static_cast<int>(ExitCode::kIo):
      return "input/output error";
    case static_cast<int>(ExitCode::kDrained):
      return "stopped on request after saving";
    case static_cast<int>(ExitCode::kPermission):
      return "no permission";
    case static_cast<int>(ExitCode::kConfig):
      return "configuration error";
    case static_cast<int>(ExitCode::kHang):
      return "a rank hung";
    case static_cast<int>(ExitCode::kReplicasDiffer):
      return "ranks disagree about the weights";
    case static_cast<int>(ExitCode::kNotFinite):
      return "loss or gradient not finite";
    case static_cast<int>(ExitCode::kOutOfMemory):
      return "out of memory";
    case static_cast<int>(ExitCode::kPeerLost):
      return "a rank was lost";
    case kMpirunTimeout:
      return "mpirun's time-out";
    case 126:
    case 127:
      return "the program could not be started";
    case kDaemonLost:
      return "mpirun lost a host";
    case kSshFailed:
      return "ssh could not reach a host";
    default:
      break;
  }
  if (!is_signal(exit_code)) return fmt::format("exit code {}", exit_code);
  const int signal = exit_code - 128;
  return fmt::format("a rank was ended by signal {} ({}){}", signal, ::strsignal(signal),
                     signal == SIGKILL ? ", perhaps for want of memory" : "");
}

RetryDecision decide_retry(std::span<const Attempt> attempts, int budget) {
  HADAL_CHECK(!attempts.empty());
  const int futile = without_progress(attempts);
  const Kind kind = kind_of(attempts.back().exit_code);
  if (kind == Kind::kPermanent) return {.why = "another attempt would end alike"};
  if (kind == Kind::kCrash && futile > 1) {
    const Attempt& before = attempts[attempts.size() - 2];
    if (kind_of(before.exit_code) == Kind::kCrash && before.step == attempts.back().step)
      return {.why = fmt::format("crashed twice at step {}", before.step)};
  }
  if (kind == Kind::kMemory || kind == Kind::kHang) budget = std::min(budget, 2);
  if (futile >= budget) return {.why = fmt::format("{} attempts without progress", futile)};
  return {.again = true, .wait_s = std::pow(4.0, futile - 1)};
}

}  // namespace hadal::launcher

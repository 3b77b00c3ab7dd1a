#include "dist/watchdog.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/files.h"
#include "dist/communicator.h"

namespace hadal::dist {
namespace {

double seconds(std::int64_t ns) { return static_cast<double>(ns) * 1e-9; }

std::string host_of(const Observation& seen, int rank) {
  if (static_cast<std::size_t>(rank) < seen.hosts.size()) return seen.hosts[rank];
  return "this machine";
}

std::string who(const Observation& seen, int rank) {
  return fmt::format("rank {} ({}, pid {})", rank, host_of(seen, rank), seen.beats[rank].pid);
}

/// "step 812" or, before the first one, "start-up".
std::string when(const Beat& beat) {
  return beat.step >= 0 ? fmt::format("step {}", beat.step) : "start-up";
}

double silence_s(const Observation& seen, const Beat& beat) {
  return seconds(seen.now_ns - std::max(beat.progress_ns, seen.resumed_ns));
}

/// The ranks of this machine that have not entered the wait that `me` is in.
std::vector<int> missing(const Observation& seen, const Beat& me) {
  std::vector<int> ranks;
  for (int rank = 0; rank < static_cast<int>(seen.beats.size()); ++rank) {
    const Beat& beat = seen.beats[rank];
    if (beat.state != Beat::State::kAbsent && beat.collectives < me.collectives)
      ranks.push_back(rank);
  }
  return ranks;
}

/// A rank that has entered another wait than `me`: the program has lost its way; or -1. One that
/// only got further in the same wait has met messages that are still missing here.
int elsewhere_engaged(const Observation& seen, const Beat& me) {
  for (int rank = 0; rank < static_cast<int>(seen.beats.size()); ++rank) {
    const Beat& beat = seen.beats[rank];
    if (beat.state == Beat::State::kRunning && beat.phase == Phase::kCollective &&
        beat.collectives == me.collectives && beat.wait != me.wait)
      return rank;
  }
  return -1;
}

/// "ranks 4 (n2), 5 (n2)" that this machine cannot see.
std::string unseen(const Observation& seen) {
  std::string text;
  for (int rank = 0; rank < static_cast<int>(seen.beats.size()); ++rank) {
    if (seen.beats[rank].state != Beat::State::kAbsent) continue;
    text += fmt::format("{}{}", text.empty() ? "" : ", ", rank);
    if (!seen.hosts.empty()) text += fmt::format(" ({})", host_of(seen, rank));
  }
  return text;
}

std::optional<Verdict> lost_peer(const Observation& seen) {
  for (int rank = 0; rank < static_cast<int>(seen.beats.size()); ++rank) {
    const Beat& beat = seen.beats[rank];
    if (rank == seen.rank || beat.state != Beat::State::kRunning) continue;
    if (seen.process_state(beat.pid) != "gone") continue;
    return Verdict{ExitCode::kPeerLost, rank,
                   fmt::format("{} is gone without a word: it was last in {} \"{}\" at {}",
                               who(seen, rank), name_of(beat.phase), beat.describe(), when(beat))};
  }
  return std::nullopt;
}

Verdict missing_peer(const Observation& seen, const Beat& me, int rank, double waited_s,
                     double limit_s) {
  const Beat& beat = seen.beats[rank];
  const std::string doing = beat.state == Beat::State::kEnded
                                ? fmt::format("it ended at {}", when(beat))
                                : fmt::format("it is {} in {} \"{}\" at {}, silent for {:.1f} s",
                                              seen.process_state(beat.pid), name_of(beat.phase),
                                              beat.describe(), when(beat), silence_s(seen, beat));
  return {
      beat.state == Beat::State::kEnded ? ExitCode::kPeerLost : ExitCode::kHang, rank,
      fmt::format("{} did not enter \"{}\" of {}: {}; rank {} waited {:.1f} s (limit {:.0f} s, "
                  "--patience waits longer)",
                  who(seen, rank), me.describe(), when(me), doing, seen.rank, waited_s, limit_s)};
}

/// A rank that came, and was stopped while it waited with the others: its messages do not move. -1:
/// none.
int stopped_within(const Observation& seen) {
  for (int rank = 0; rank < static_cast<int>(seen.beats.size()); ++rank) {
    const Beat& beat = seen.beats[rank];
    if (rank != seen.rank && beat.state == Beat::State::kRunning &&
        seen.process_state(beat.pid) == "stopped")
      return rank;
  }
  return -1;
}

std::optional<Verdict> waited_too_long(const Observation& seen, const Beat& me, double waited_s,
                                       const WatchdogOptions& options) {
  const double limit_s = options.limit(me);
  const std::vector<int> absent = missing(seen, me);
  for (const int rank : absent) {
    const Beat& beat = seen.beats[rank];
    if (beat.state == Beat::State::kEnded || silence_s(seen, beat) > options.limit(beat) ||
        seen.process_state(beat.pid) == "stopped")
      return missing_peer(seen, me, rank, waited_s, limit_s);
  }
  if (!absent.empty()) return std::nullopt;  // late, but alive
  if (const int stopped = stopped_within(seen); stopped >= 0) {
    const Beat& beat = seen.beats[stopped];
    return Verdict{
        ExitCode::kHang, stopped,
        fmt::format("{} is stopped in {} \"{}\" at {}, silent for {:.1f} s; rank {} waited "
                    "{:.1f} s (limit {:.0f} s, --patience waits longer)",
                    who(seen, stopped), name_of(beat.phase), beat.describe(), when(beat),
                    silence_s(seen, beat), seen.rank, waited_s, limit_s)};
  }
  const std::string elsewhere = unseen(seen);
  const int other = elsewhere_engaged(seen, me);
  const std::string guess =
      other >= 0          ? fmt::format("{} entered \"{}\" of {} instead", who(seen, other),
                                        seen.beats[other].describe(), when(seen.beats[other]))
      : elsewhere.empty() ? "all ranks have entered it, but its messages do not arrive"
                          : "no rank of this machine is missing, so look at rank " + elsewhere;
  return Verdict{
      ExitCode::kHang, other,
      fmt::format("{} waited {:.1f} s in \"{}\" of {} (limit {:.0f} s, --patience waits "
                  "longer): {}",
                  who(seen, seen.rank), waited_s, me.describe(), when(me), limit_s, guess)};
}

std::string json_text(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      quoted += {'\\', c};
    else if (static_cast<unsigned char>(c) < 0x20)
      quoted += fmt::format("\\u{:04x}", static_cast<int>(c));
    else
      quoted += c;
  }
  return quoted + "\"";
}

std::string last_words(const Verdict& verdict, const Observation& seen) {
  const Beat& me = seen.beats[seen.rank];
  return fmt::format(
      "{{\"rank\": {}, \"host\": {}, \"pid\": {}, \"time\": {:.3f}, \"exit_code\": {}, "
      "\"step\": {}, \"phase\": \"{}\", \"operation\": {}, \"seconds_in_operation\": {:.3f}, "
      "\"silent_rank\": {}, \"reason\": {}}}\n",
      seen.rank, json_text(host_name()), me.pid, wall_time_s(), static_cast<int>(verdict.code),
      me.step, name_of(me.phase), json_text(me.describe()), seconds(seen.now_ns - me.since_ns),
      verdict.silent_rank, json_text(verdict.line));
}

}  // namespace

double WatchdogOptions::limit(const Beat& beat) const {
  if (beat.phase != Phase::kCollective) return limit(beat.phase);
  const bool long_one = beat.around == Phase::kInit || beat.around == Phase::kCheckpoint;
  return long_one ? std::max(limit(beat.around), limit(beat.phase)) : limit(beat.phase);
}

Observation observe(const HeartbeatBoard& board, int rank, std::vector<std::string> hosts) {
  Observation seen;
  seen.rank = rank;
  for (int k = 0; k < board.ranks(); ++k) seen.beats.push_back(board.read(k));
  seen.hosts = std::move(hosts);
  seen.now_ns = monotonic_ns();
  seen.process_state = process_state;
  return seen;
}

std::optional<Verdict> judge(const Observation& seen, const WatchdogOptions& options) {
  if (auto verdict = lost_peer(seen)) return verdict;
  const Beat& me = seen.beats[seen.rank];
  if (me.state != Beat::State::kRunning) return std::nullopt;
  const double silent_s = silence_s(seen, me);
  if (silent_s <= options.limit(me)) return std::nullopt;
  if (me.phase == Phase::kCollective) return waited_too_long(seen, me, silent_s, options);
  return Verdict{ExitCode::kHang, seen.rank,
                 fmt::format("{} made no progress for {:.1f} s in {} \"{}\" of {} (limit {:.0f} s, "
                             "--patience waits longer)",
                             who(seen, seen.rank), silent_s, name_of(me.phase), me.describe(),
                             when(me), options.limit(me))};
}

std::string whereabouts(const Observation& seen) {
  std::vector<std::pair<std::string, std::string>> places;  // what is done there, and by whom
  for (int rank = 0; rank < static_cast<int>(seen.beats.size()); ++rank) {
    const Beat& beat = seen.beats[rank];
    if (beat.state == Beat::State::kAbsent) continue;
    const std::string place =
        beat.state == Beat::State::kEnded
            ? fmt::format("ended at {}", when(beat))
            : fmt::format("{} \"{}\" at {}", name_of(beat.phase), beat.describe(), when(beat));
    const auto known = std::find_if(places.begin(), places.end(),
                                    [&](const auto& other) { return other.first == place; });
    if (known == places.end())
      places.emplace_back(place, who(seen, rank));
    else
      known->second += ", " + who(seen, rank);
  }
  std::string text;
  for (const auto& [place, ranks] : places)
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", ranks, place);
  return text;
}

std::string process_state(std::int32_t pid) {
  if (::kill(pid, 0) != 0 && errno == ESRCH) return "gone";
  char line[512] = {};
  if (std::FILE* file = std::fopen(fmt::format("/proc/{}/stat", pid).c_str(), "re")) {
    const std::size_t got = std::fread(line, 1, sizeof line - 1, file);
    std::fclose(file);
    // pid (name) S ...: the name may hold anything, so the state is sought after the last ')'.
    const std::string_view text(line, got);
    const std::size_t close = text.rfind(')');
    switch (close == std::string_view::npos || close + 2 >= got ? '?' : text[close + 2]) {
      case 'R':
        return "running";
      case 'S':
        return "sleeping";
      case 'D':
        return "waiting for I/O";
      case 'T':
      case 't':
        return "stopped";
      case 'Z':
      case 'X':
        return "gone";
    }
  }
  return "in an unknown state";
}

Watchdog::Watchdog(HeartbeatBoard& board, int rank, const WatchdogOptions& options)
    : board_(board), rank_(rank), options_(options), thread_([this] { run(); }) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stop_changed_.notify_all();
  thread_.join();
}

void Watchdog::set_hosts(std::vector<std::string> hosts) {
  const std::lock_guard lock(mutex_);
  hosts_ = std::move(hosts);
}

Observation Watchdog::observe_since(std::int64_t resumed_ns) const {
  Observation seen = observe(board_, rank_, hosts_);
  seen.resumed_ns = resumed_ns;
  return seen;
}

void Watchdog::run() {
  // Signals are for the main thread, which may sleep in a call that they must interrupt.
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);

  std::int64_t last_ns = monotonic_ns(), resumed_ns = 0;
  std::unique_lock lock(mutex_);
  const std::chrono::duration<double> period(options_.period_s);
  while (!stop_changed_.wait_for(lock, period, [this] { return stop_; })) {
    const std::int64_t now_ns = monotonic_ns();
    if (seconds(now_ns - last_ns) > 1.0 + options_.period_s) resumed_ns = now_ns;
    last_ns = now_ns;
    const Observation seen = observe_since(resumed_ns);
    if (!judge(seen, options_)) continue;
    // Once more with fresh eyes: a rank may have said that it ends, and ended, since its beat was
    // read.
    const Observation again = observe_since(resumed_ns);
    if (const auto verdict = judge(again, options_)) end_job(*verdict, again);
  }
}

void Watchdog::end_job(const Verdict& verdict, const Observation& seen) {
  // Whatever hangs below (a dead file server, a heap that the main thread has locked), the process
  // ends.
  ::signal(SIGALRM, SIG_DFL);
  sigset_t alarm_only;
  ::sigemptyset(&alarm_only);
  ::sigaddset(&alarm_only, SIGALRM);
  ::pthread_sigmask(SIG_UNBLOCK, &alarm_only, nullptr);
  ::alarm(5);

  const bool reports = board_.claim_report();
  if (reports) {
    const std::string line = "hadal: " + verdict.line + "\n";
    if (::write(STDERR_FILENO, line.data(), line.size()) < 0) {
      // Nobody is left to tell.
    }
  }
  board_.unlink();
  if (!options_.run_folder.empty()) {
    try {
      write_file_atomically(options_.run_folder / fmt::format("rank{}.last.json", rank_),
                            last_words(verdict, seen));
    } catch (const std::exception&) {
      // The line above has said it; the exit code follows.
    }
  }
  // The reporting rank goes first, so that its line is not cut off.
  if (!reports) ::usleep(300'000);
  ::_exit(static_cast<int>(verdict.code));
}

}  // namespace hadal::dist

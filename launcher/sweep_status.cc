#include "launcher/sweep_status.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "core/base/strings.h"
#include "launcher/progress_view.h"

namespace hadal::launcher {
namespace {

using State = SweepStatus::State;

std::string where(const RunRecord& record) {
  if (!record.progress) return "";
  const Progress& p = *record.progress;
  return fmt::format(" at epoch {}/{}, step {}/{}", p.epoch, p.epochs, p.step, p.steps);
}

std::string running_detail(const SweepRecord::Run& run) {
  if (run.cancelled) return "being cancelled";
  if (!run.record || !run.record->progress) return "running, no step yet";
  return "running" + progress_line("", run.record->progress);
}

std::string detail_of(const SweepRecord::Run& run, State state, bool over) {
  const auto& record = run.record;
  switch (state) {
    case State::kFinished: {
      const RunResult& result = *record->result;
      const std::string error = result.last && result.last->test_error
                                    ? fmt::format(", test error {:.2f} %", *result.last->test_error)
                                    : "";
      return fmt::format("finished{}, {}", error, format_duration(result.seconds));
    }
    case State::kFailed:
      return "failed: " + record->result->reason;
    case State::kCancelled:
      return "cancelled" + (record ? where(*record) : "");
    case State::kPaused: {
      const RunResult& result = *record->result;
      const std::string error =
          result.last && result.last->validation_error
              ? fmt::format(", validation error {:.2f} %", *result.last->validation_error)
              : "";
      return fmt::format("{} after epoch {}{}", name_of(state, over), result.epochs, error);
    }
    case State::kRunning:
      return running_detail(run);
    case State::kIdle:
      return "unfinished" + where(*record);
    case State::kWaiting:
      return run.again.empty() ? "waiting" : "waiting to try again: " + run.again;
  }
  return {};
}

}  // namespace

State state_of(const SweepRecord::Run& run) {
  const RunResult* result = run.record && run.record->result ? &*run.record->result : nullptr;
  if (result != nullptr && result->status == RunStatus::kFinished) return State::kFinished;
  if (run.cancelled && !run.running) return State::kCancelled;
  if (run.running) return State::kRunning;
  if (!run.again.empty()) return State::kWaiting;
  if (result != nullptr && result->status == RunStatus::kFailed) return State::kFailed;
  if (result != nullptr && result->status == RunStatus::kPaused) return State::kPaused;
  return run.record && (result != nullptr || run.record->progress) ? State::kIdle : State::kWaiting;
}

std::string name_of(State state, bool over) {
  switch (state) {
    case State::kRunning:
      return "running";
    case State::kFailed:
      return "failed";
    case State::kFinished:
      return "finished";
    case State::kPaused:
      return over ? "stopped early" : "paused";
    case State::kIdle:
      return "unfinished";
    case State::kCancelled:
      return "cancelled";
    case State::kWaiting:
      return "waiting";
  }
  return {};
}

std::string counts_of(const SweepRecord& sweep) {
  std::map<State, int> counts;
  for (const SweepRecord::Run& run : sweep.runs) ++counts[state_of(run)];
  std::string text;
  for (const State state : {State::kFinished, State::kFailed, State::kRunning, State::kPaused,
                            State::kCancelled, State::kIdle, State::kWaiting})
    if (counts[state] > 0)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", counts[state],
                          name_of(state, sweep.over));
  return text;
}

std::optional<double> seconds_left(const SweepRecord& sweep) {
  if (sweep.strategy != "all") return std::nullopt;
  double longest_s = 0, running_s = 0, known_s = 0;  // known: what whole runs take
  int running = 0, known = 0, waiting = 0;
  for (const SweepRecord::Run& run : sweep.runs) {
    const State state = state_of(run);
    if (state == State::kFinished) {
      known_s += run.record->result->seconds;
      ++known;
    } else if (state == State::kRunning && run.record && run.record->progress) {
      const Progress& p = *run.record->progress;
      running_s += p.seconds_left;
      longest_s = std::max(longest_s, p.seconds_left);
      ++running;
      if (p.step > 0 && p.step < p.steps) {
        known_s +=
            p.seconds_left * static_cast<double>(p.steps) / static_cast<double>(p.steps - p.step);
        ++known;
      }
    } else if (state == State::kRunning || state == State::kWaiting || state == State::kIdle) {
      ++waiting;  // all of it lies ahead
    }
  }
  if (running == 0 || (waiting > 0 && known == 0)) return std::nullopt;
  const double waiting_s = waiting > 0 ? waiting * known_s / known : 0;
  return std::max(longest_s, (running_s + waiting_s) / running);
}

SweepStatus status_of(const SweepRecord& sweep) {
  SweepStatus status;
  status.heading =
      fmt::format("{}: {}", sweep.name,
                  sweep.locked ? fmt::format("a launcher is at work ({})", sweep.holder)
                               : "no launcher at work");
  for (const SweepRecord::Run& run : sweep.runs) {
    const State state = state_of(run);
    status.lines.push_back(
        {state, run.planned.hash, run.planned.name, detail_of(run, state, sweep.over)});
  }
  status.summary = fmt::format("{} runs: {}", sweep.runs.size(), counts_of(sweep));
  if (const auto seconds = seconds_left(sweep))
    status.summary += fmt::format("; about {} left", format_duration(*seconds));
  return status;
}

std::vector<std::string> lines_of(const SweepStatus& status, std::size_t most) {
  std::vector<std::string> lines = {status.heading};
  const bool all = status.lines.size() <= most;
  std::size_t left_out = 0;
  for (const SweepStatus::Line& line : status.lines) {
    const bool matters = line.state == State::kRunning || line.state == State::kFailed ||
                         line.detail.starts_with("waiting to");
    if (all || matters)
      lines.push_back(fmt::format("  {}  {}  {}", line.hash, line.name, line.detail));
    else
      ++left_out;
  }
  if (left_out > 0) lines.push_back(fmt::format("  and {} more, listed by --all", left_out));
  lines.push_back(status.summary);
  return lines;
}

}  // namespace hadal::launcher

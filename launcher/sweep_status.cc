#include "launcher/sweep_status.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "core/base/strings.h"
#include "launcher/progress_view.h"

namespace hadal::launcher {
namespace {

using State = SweepStatus::State;

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

std::string name_of(State state) {
  switch (state) {
    case State::kFinished:
      return "finished";
    case State::kFailed:
      return "failed";
    case State::kCancelled:
      return "cancelled";
    case State::kPaused:
      return "paused";
    case State::kRunning:
      return "running";
    case State::kIdle:
      return "unfinished";
    case State::kWaiting:
      return "waiting";
  }
  return {};
}

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
      return fmt::format("{} after epoch {}{}", over ? "stopped early" : "paused", result.epochs,
                         error);
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

std::optional<double> seconds_left(const SweepRecord& sweep, const std::vector<State>& states) {
  double finished_s = 0, running_left_s = 0;
  int finished = 0, running = 0, waiting = 0;
  for (std::size_t i = 0; i < sweep.runs.size(); ++i) {
    const auto& record = sweep.runs[i].record;
    if (states[i] == State::kFinished) {
      ++finished;
      finished_s += record->result->seconds;
    } else if (states[i] == State::kRunning) {
      if (!record || !record->progress) {
        ++waiting;  // all of it lies ahead
        continue;
      }
      ++running;
      running_left_s += record->progress->seconds_left;
    } else if (states[i] == State::kWaiting || states[i] == State::kIdle) {
      ++waiting;
    }
  }
  if (running == 0 || (waiting > 0 && finished == 0)) return std::nullopt;
  const double waiting_s = waiting > 0 ? waiting * finished_s / finished : 0;
  return (running_left_s + waiting_s) / running;
}

std::string summary_of(const SweepRecord& sweep, const std::vector<State>& states) {
  std::string text = fmt::format("{} runs:", sweep.runs.size());
  constexpr std::array kOrder = {State::kFinished,  State::kFailed, State::kRunning, State::kPaused,
                                 State::kCancelled, State::kIdle,   State::kWaiting};
  const char* separator = " ";
  for (const State state : kOrder) {
    const auto number = std::ranges::count(states, state);
    if (number == 0) continue;
    const bool stopped = state == State::kPaused && sweep.over;
    text += fmt::format("{}{} {}", std::exchange(separator, ", "), number,
                        stopped ? "stopped early" : name_of(state));
  }
  if (sweep.strategy == "all")
    if (const auto seconds = seconds_left(sweep, states))
      text += fmt::format("; about {} left", format_duration(*seconds));
  return text;
}

}  // namespace

SweepStatus status_of(const SweepRecord& sweep) {
  SweepStatus status;
  status.heading =
      fmt::format("{}: {}", sweep.name,
                  sweep.locked ? fmt::format("a launcher is at work ({})", sweep.holder)
                               : "no launcher at work");
  std::vector<State> states;
  for (const SweepRecord::Run& run : sweep.runs) {
    states.push_back(state_of(run));
    status.lines.push_back({states.back(), run.planned.hash, run.planned.name,
                            detail_of(run, states.back(), sweep.over)});
  }
  status.summary = summary_of(sweep, states);
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

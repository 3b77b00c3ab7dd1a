#include "launcher/sweep_runner.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/strings.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
namespace {

std::uintmax_t size_of(const fs::path& file) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(file, error);
  return error ? 0 : size;
}

// The last words of the program in this attempt: its last line "hadal: …" in the log that is no
// warning.
std::string last_words(const fs::path& log, std::uintmax_t from) {
  std::ifstream file(log);
  file.seekg(static_cast<std::streamoff>(from));
  std::string words;
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("hadal: ") && !line.starts_with("hadal: warning")) words = line.substr(7);
  return words;
}

// Name and time of the newest entry of checkpoints/: changes when a checkpoint is written.
std::string newest_checkpoint(const fs::path& folder) {
  std::error_code error;
  std::pair<fs::file_time_type, std::string> newest;
  for (const auto& entry : fs::directory_iterator(folder / "checkpoints", error)) {
    const std::string name = entry.path().filename().string();
    const auto time = entry.last_write_time(error);
    if (!error && !name.starts_with(".")) newest = std::max(newest, {time, name});
  }
  if (newest.second.empty()) return "";
  return fmt::format("{}@{}", newest.second, newest.first.time_since_epoch().count());
}

// Changes whenever the run writes anything.
std::string sound_of(const fs::path& folder) {
  std::error_code ignored;
  const auto progress = fs::last_write_time(folder / "progress.json", ignored);
  return fmt::format("{} {} {}", size_of(folder / "log.txt"), size_of(folder / "metrics.jsonl"),
                     ignored ? 0 : progress.time_since_epoch().count());
}

bool only_lost_a_peer(const RunResult& result) {
  return result.exit_code == static_cast<int>(ExitCode::kPeerLost);
}

long long furthest_step(const fs::path& folder) {
  const auto progress = read_progress(folder);
  return progress ? progress->step : 0;
}

}  // namespace

SweepRunner::SweepRunner(SweepPlan plan, SweepFolder& folder, Scheduler& scheduler, Clock& clock,
                         ProgressView& view, std::function<int()> stop_requests,
                         SweepRunnerOptions options)
    : plan_(std::move(plan)),
      folder_(folder),
      scheduler_(scheduler),
      clock_(clock),
      view_(view),
      stop_requests_(std::move(stop_requests)),
      options_(std::move(options)) {
  for (const PlannedRun& planned : plan_.runs) {
    Run run;
    run.planned = planned;
    run.folder = folder_.run_folder(planned);
    runs_.push_back(std::move(run));
  }
}

SweepSummary SweepRunner::run() {
  began_ = clock_.now_s();
  folder_.write_plan(plan_);
  folder_.journal("planned", plan_.name, fmt::format("{} runs", runs_.size()));
  skip_settled();
  adopt_what_is_queued();
  try {
    loop();
  } catch (...) {
    wait_for_the_rest();
    throw;
  }
  return {.finished = count(Phase::kFinished),
          .failed = count(Phase::kFailed),
          .unfinished = count(Phase::kUnfinished) + count(Phase::kQueued)};
}

void SweepRunner::skip_settled() {
  for (Run& run : runs_)
    if (is_settled(run))
      folder_.journal("skipped", run.planned.name,
                      run.phase == Phase::kFinished ? "finished before" : "diverged before");
  if (const int finished = count(Phase::kFinished); finished > 0)
    view_.note(fmt::format("{} of {} finished before", finished, runs_.size()));
  if (const int diverged = count(Phase::kFailed); diverged > 0)
    view_.note(fmt::format("{} diverged before; --retry-diverged repeats them", diverged));
}

bool SweepRunner::is_settled(Run& run) {
  try {
    const std::optional<RunResult> result = read_result(run.folder);
    if (!result) return false;
    if (result->status == RunStatus::kFinished) run.phase = Phase::kFinished;
    if (result->status == RunStatus::kFailed && !options_.retry_diverged &&
        result->exit_code == static_cast<int>(ExitCode::kNotFinite))
      run.phase = Phase::kFailed;
  } catch (const DataError& error) {
    view_.note(fmt::format("{}: {}; running it again", run.planned.name, error.what()));
  }
  return run.phase != Phase::kQueued;
}

// What an earlier launcher submitted and did not see the end of.
void SweepRunner::adopt_what_is_queued() {
  for (Run& run : runs_) {
    if (run.phase != Phase::kQueued || !scheduler_.adopt(job_of(run))) continue;
    begin_attempt(run);
    note("adopted", run, "submitted before");
  }
}

void SweepRunner::loop() {
  for (;;) {
    for (const JobExit& ended : scheduler_.poll())
      for (Run& run : runs_)
        if (run.planned.hash == ended.id) settle(run, ended);
    for (const std::string& news : scheduler_.news()) {
      folder_.journal("news", plan_.name, news);
      view_.note(news);
    }
    obey_stop_requests();
    if (stops_obeyed_ == 0) start_what_fits();
    for (Run& run : runs_)
      if (run.phase == Phase::kRunning) watch(run);
    const bool more_to_start = stops_obeyed_ == 0 && count(Phase::kQueued) > 0;
    if (count(Phase::kRunning) == 0 && !more_to_start) return;
    show();
    clock_.sleep(options_.tick_s);
  }
}

void SweepRunner::obey_stop_requests() {
  const int requests = std::clamp(stop_requests_(), stop_after_failure_ ? 1 : 0, 2);
  while (stops_obeyed_ < requests) {
    ++stops_obeyed_;
    const bool at_once = stops_obeyed_ == 2;
    view_.note(
        at_once ? "stopping now"
                : fmt::format("draining {} run(s); once more to stop now", count(Phase::kRunning)));
    for (Run& run : runs_) {
      if (run.phase != Phase::kRunning) continue;
      run.asked_to_end = true;
      at_once ? scheduler_.stop(run.planned.hash) : scheduler_.drain(run.planned.hash);
    }
  }
}

Job SweepRunner::job_of(const Run& run) const {
  return {.id = run.planned.hash,
          .folder = run.folder,
          .command = {options_.trainer, "train", (run.folder / "spec.textproto").string(), "--out",
                      run.folder.string(), "--resume", "--quiet"},
          .ranks = plan_.ranks,
          .cores_per_rank = plan_.cores_per_rank,
          .gpus_per_rank = plan_.gpus_per_rank,
          .time_limit_s = plan_.time_limit_s};
}

void SweepRunner::start_what_fits() {
  for (Run& run : runs_)
    if (run.phase == Phase::kQueued && clock_.now_s() >= run.not_before &&
        scheduler_.has_room(job_of(run)))
      start(run);
}

void SweepRunner::start(Run& run) {
  const std::string attempt = fmt::format("attempt {}", run.attempts.size() + 1);
  try {
    std::error_code error;
    fs::create_directory(run.folder, error);
    if (error) throw io_error("cannot create", run.folder.string(), error.value());
    // A result from an attempt before would speak for this one if it died without words.
    fs::remove(run.folder / "result.json", error);
    fs::remove(run.folder / "progress.json", error);
    write_file_atomically(run.folder / "spec.textproto", run.planned.spec_text);
    begin_attempt(run);
    scheduler_.start(job_of(run));
  } catch (const Error& error) {
    return fail(run, static_cast<int>(error.exit_code()), error.what());
  }
  note("started", run, attempt);
}

void SweepRunner::begin_attempt(Run& run) {
  run.phase = Phase::kRunning;
  run.log_start = size_of(run.folder / "log.txt");
  run.started = run.heard_at = clock_.now_s();
  run.heard.clear();
  run.asked_to_end = run.hung = run.executing = false;
}

void SweepRunner::watch(Run& run) {
  const double now = clock_.now_s();
  // Neither silence nor time counts in a queue.
  const bool was_executing = std::exchange(run.executing, scheduler_.is_running(run.planned.hash));
  if (!run.executing) return;
  if (!was_executing) run.started = run.heard_at = now;
  if (const std::string sound = sound_of(run.folder); sound != run.heard) {
    run.heard = sound;
    run.heard_at = now;
  } else if (now - run.heard_at > options_.silence_limit_s && !run.hung) {
    run.hung = true;
    scheduler_.stop(run.planned.hash);
  }
  if (plan_.time_limit_s > 0 && !scheduler_.keeps_time_limits() &&
      now - run.started > plan_.time_limit_s && !run.asked_to_end) {
    run.asked_to_end = true;
    note("time limit", run, format_duration(plan_.time_limit_s));
    scheduler_.drain(run.planned.hash);
  }
}

void SweepRunner::settle(Run& run, const JobExit& ended) {
  int exit_code = ended.exit_code;
  run.executing = false;
  std::optional<RunResult> result;
  try {
    result = read_result(run.folder);
  } catch (const DataError&) {
    // Counts as none: the exit code says why.
  }
  if (result && result->status == RunStatus::kFinished) {
    run.phase = Phase::kFinished;
    const std::string error = result->last && result->last->test_error
                                  ? fmt::format("test error {:.2f} %, ", *result->last->test_error)
                                  : "";
    return note("finished", run, error + format_duration(clock_.now_s() - run.started));
  }
  // mpirun may end the rest before it has seen the code of the rank that knew; but that a peer was
  // lost only says that mpirun knows better.
  if (result && result->exit_code != 0 && !only_lost_a_peer(*result)) exit_code = result->exit_code;
  if (run.hung) exit_code = static_cast<int>(ExitCode::kHang);
  if (ended.interrupted && !run.asked_to_end)
    return retry_or_fail(run, static_cast<int>(ExitCode::kPeerLost), ended.reason);
  if (run.asked_to_end || exit_code == static_cast<int>(ExitCode::kDrained)) {
    run.phase = Phase::kUnfinished;
    if (!result)
      write_result(run.folder, result_of(run, RunStatus::kDrained, exit_code,
                                         "stopped before it was finished"));
    return note("drained", run,
                fmt::format("at step {}", result ? result->steps : furthest_step(run.folder)));
  }
  retry_or_fail(run, exit_code, ended.reason);
}

void SweepRunner::retry_or_fail(Run& run, int exit_code, std::string reason) {
  run.attempts.push_back({exit_code, newest_checkpoint(run.folder), furthest_step(run.folder)});
  if (reason.empty()) reason = last_words(run.folder / "log.txt", run.log_start);
  if (run.hung)
    reason = fmt::format("nothing heard for {}", format_duration(options_.silence_limit_s));
  if (reason.empty()) reason = describe_exit(exit_code);
  const RetryDecision decision = decide_retry(run.attempts, plan_.attempts);
  if (decision.again) {
    run.phase = Phase::kQueued;
    run.not_before = clock_.now_s() + decision.wait_s;
    return note("again", run, fmt::format("{}; in {}", reason, format_duration(decision.wait_s)));
  }
  if (run.attempts.size() > 1) reason += "; " + decision.why;
  fail(run, exit_code, reason);
}

void SweepRunner::fail(Run& run, int exit_code, const std::string& reason) {
  run.phase = Phase::kFailed;
  try {
    if (fs::is_directory(run.folder)) {
      // What the trainer found out about itself is kept; only why it ended is ours to add.
      RunResult result = result_of(run, RunStatus::kFailed, exit_code, reason);
      if (const auto own = read_result(run.folder)) {
        result = *own;
        if (own->reason.empty() || only_lost_a_peer(*own)) {
          result.exit_code = exit_code;
          result.reason = reason;
        }
      }
      write_result(run.folder, result);
    }
  } catch (const Error&) {
    // The journal below still tells; a run whose folder cannot be written is not the sweep's end.
  }
  note("failed", run, fmt::format("{} (exit code {})", reason, exit_code));
  stop_after_failure_ = plan_.stop_on_failure;
}

RunResult SweepRunner::result_of(const Run& run, RunStatus status, int exit_code,
                                 const std::string& reason) const {
  RunResult result;
  result.status = status;
  result.exit_code = exit_code;
  result.reason = reason;
  result.spec_hash = run.planned.hash;
  result.name = run.planned.name;
  result.ranks = plan_.ranks;
  result.seconds = clock_.now_s() - run.started;
  if (const auto progress = read_progress(run.folder)) {
    result.epochs = progress->epoch;
    result.steps = progress->step;
  }
  return result;
}

// After the sweep folder failed: nothing may stay behind, and nothing more can be recorded.
void SweepRunner::wait_for_the_rest() {
  for (const Run& run : runs_)
    if (run.phase == Phase::kRunning) scheduler_.drain(run.planned.hash);
  constexpr double kPatience_s = 60;
  const double began = clock_.now_s();
  bool stopped = false;
  while (count(Phase::kRunning) > 0) {
    for (const JobExit& ended : scheduler_.poll())
      for (Run& run : runs_)
        if (run.planned.hash == ended.id) run.phase = Phase::kUnfinished;
    if (!stopped && (stop_requests_() > 0 || clock_.now_s() - began > kPatience_s)) {
      stopped = true;
      for (const Run& run : runs_)
        if (run.phase == Phase::kRunning) scheduler_.stop(run.planned.hash);
    }
    clock_.sleep(options_.tick_s);
  }
}

int SweepRunner::count(Phase phase) const {
  return static_cast<int>(std::count_if(runs_.begin(), runs_.end(),
                                        [&](const Run& run) { return run.phase == phase; }));
}

int SweepRunner::executing() const {
  return static_cast<int>(
      std::count_if(runs_.begin(), runs_.end(), [](const Run& run) { return run.executing; }));
}

void SweepRunner::note(const std::string& what, const Run& run, const std::string& detail) {
  folder_.journal(what, run.planned.name, detail);
  view_.note(
      fmt::format("{:9} {}{}{}", what, run.planned.name, detail.empty() ? "" : "  ", detail));
  shown_at_ = -1e9;  // what runs now is not what it was
}

std::string SweepRunner::summary_line() const {
  const int done = count(Phase::kFinished), failed = count(Phase::kFailed);
  return fmt::format("{} of {} finished{}, {} running, {} waiting, {} so far", done, runs_.size(),
                     failed > 0 ? fmt::format(", {} failed", failed) : "", executing(),
                     count(Phase::kQueued) + count(Phase::kRunning) - executing(),
                     format_duration(clock_.now_s() - began_));
}

void SweepRunner::show() {
  const double now = clock_.now_s();
  if (now - shown_at_ < options_.show_every_s) return;
  shown_at_ = now;
  std::vector<ProgressView::Line> running;
  for (const Run& run : runs_)
    if (run.executing) running.push_back({run.planned.name, read_progress(run.folder)});
  view_.update(now, running, summary_line());
}

}  // namespace hadal::launcher

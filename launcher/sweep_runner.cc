#include "launcher/sweep_runner.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/strings.h"
#include "launcher/run_signs.h"
#include "launcher/strategies/registry.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
namespace {

bool only_lost_a_peer(const RunResult& result) {
  return result.exit_code == static_cast<int>(ExitCode::kPeerLost);
}

bool has_diverged(const RunResult& result) {
  return result.status == RunStatus::kFailed &&
         result.exit_code == static_cast<int>(ExitCode::kNotFinite);
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
      options_(std::move(options)),
      strategy_(make_strategy(plan_, options_.candidates)),
      before_(replay(read_journal(folder.path()), plan_.space)) {
  const std::vector<fs::path> folders = folder_.run_folders(plan_.runs);
  for (std::size_t i = 0; i < plan_.runs.size(); ++i) add_run(plan_.runs[i], folders[i]);
}

void SweepRunner::add_run(const PlannedRun& planned, const fs::path& folder) {
  Run run;
  run.planned = planned;
  run.folder = folder;
  runs_.push_back(std::move(run));
}

SweepSummary SweepRunner::run() {
  began_ = clock_.now_s();
  folder_.write_plan(plan_);
  folder_.journal({.what = "planned",
                   .run = plan_.name,
                   .detail = fmt::format("{} runs; {}; {}", runs_.size(), strategy_->describe(),
                                         scheduler_.describe())});
  recall();
  obey_people();
  adopt_what_is_queued();
  try {
    loop();
  } catch (...) {
    wait_for_the_rest();
    throw;
  }
  SweepSummary summary{.finished = count(Phase::kFinished),
                       .failed = count(Phase::kFailed),
                       .unfinished = count(Phase::kUnfinished) + count(Phase::kQueued),
                       .cancelled = count(Phase::kCancelled)};
  (is_over() ? summary.stopped_early : summary.unfinished) += count(Phase::kPaused);
  return summary;
}

// What files say of the runs, and what was decided about them before.
void SweepRunner::recall() {
  for (Run& run : runs_) {
    const std::string& hash = run.planned.hash;
    if (const auto at = before_.granted.find(hash); at != before_.granted.end())
      run.granted = at->second;
    if (before_.cancelled.contains(hash)) run.phase = Phase::kCancelled;
    if (strategy_->needs_errors()) read_errors(run);
  }
  skip_settled();
  if (const Run* first = canary(); first != nullptr && first->phase == Phase::kFailed)
    view_.note(fmt::format("the canary {} failed before, so nothing more is started",
                           first->planned.name));
}

void SweepRunner::skip_settled() {
  for (Run& run : runs_)
    if (is_settled(run) && (run.phase == Phase::kFinished || run.phase == Phase::kFailed))
      folder_.journal(
          {.what = "skipped",
           .run = run.planned.name,
           .hash = run.planned.hash,
           .detail = run.phase == Phase::kFinished ? "finished before" : "diverged before"});
  if (const int finished = count(Phase::kFinished); finished > 0)
    view_.note(fmt::format("{} of {} finished before", finished, runs_.size()));
  if (const int diverged = count(Phase::kFailed); diverged > 0)
    view_.note(fmt::format("{} diverged before; --retry-diverged repeats them", diverged));
  if (const int cancelled = count(Phase::kCancelled); cancelled > 0)
    view_.note(fmt::format("{} cancelled before; hadal sweep retry {} puts them back", cancelled,
                           folder_.path().string()));
}

bool SweepRunner::is_settled(Run& run) {
  try {
    const std::optional<RunResult> result = read_result(run.folder);
    if (!result) return run.phase != Phase::kQueued;
    if (result->status == RunStatus::kFinished) run.phase = Phase::kFinished;
    if (run.phase == Phase::kCancelled) return true;
    if (result->status == RunStatus::kPaused) {
      run.granted = std::max(run.granted, result->epochs);
      if (run.granted == result->epochs) run.phase = Phase::kPaused;
    }
    if (has_diverged(*result) && !options_.retry_diverged &&
        !before_.retried.contains(run.planned.hash)) {
      run.phase = Phase::kFailed;
      run.diverged = true;
    }
  } catch (const DataError& error) {
    view_.note(fmt::format("{}: {}; running it again", run.planned.name, error.what()));
  }
  return run.phase != Phase::kQueued;
}

// What an earlier launcher submitted and did not see the end of.
void SweepRunner::adopt_what_is_queued() {
  for (Run& run : runs_) {
    const bool cancelled = run.phase == Phase::kCancelled;
    if ((run.phase != Phase::kQueued && !cancelled) || !scheduler_.adopt(job_of(run))) continue;
    begin_attempt(run);
    if (run.granted == 0) run.granted = kToTheEnd;
    note("adopted", run, cancelled ? "cancelled since" : "submitted before");
    if (cancelled) take_back(run);
  }
}

void SweepRunner::loop() {
  for (;;) {
    for (const JobExit& ended : scheduler_.poll())
      for (Run& run : runs_)
        if (run.planned.hash == ended.id) settle(run, ended);
    for (const std::string& news : scheduler_.news()) {
      folder_.journal({.what = "news", .run = plan_.name, .detail = news});
      view_.note(news);
    }
    obey_people();
    obey_stop_requests();
    if (stops_obeyed_ == 0) start_what_fits();
    for (Run& run : runs_)
      if (run.phase == Phase::kRunning) watch(run);
    if (count(Phase::kRunning) == 0 && !has_more_to_start()) {
      if (is_over()) folder_.journal({.what = "over", .run = plan_.name});
      return;
    }
    show();
    clock_.sleep(options_.tick_s);
  }
}

// Now or once there is room.
bool SweepRunner::has_more_to_start() {
  if (stops_obeyed_ > 0) return false;
  const auto is_startable = [&](const Run& run) {
    return run.phase == Phase::kQueued && run.granted > 0 && may_start(run);
  };
  return std::ranges::any_of(runs_, is_startable) || next_decision().has_value();
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
  Job job{.id = run.planned.hash,
          .folder = run.folder,
          .command = {options_.trainer, "train", (run.folder / "spec.textproto").string(), "--out",
                      run.folder.string(), "--resume", "--quiet"},
          .ranks = plan_.ranks,
          .cores_per_rank = plan_.cores_per_rank,
          .gpus_per_rank = plan_.gpus_per_rank,
          .time_limit_s = plan_.time_limit_s};
  if (run.granted > 0 && run.granted < kToTheEnd) {
    job.command.emplace_back("--stop-after-epoch");
    job.command.push_back(std::to_string(run.granted));
  }
  return job;
}

void SweepRunner::start_what_fits() {
  do {
    for (Run& run : runs_)
      if (run.phase == Phase::kQueued && run.granted > 0 && may_start(run) &&
          clock_.now_s() >= run.not_before && scheduler_.has_room(job_of(run)))
        start(run);
  } while (decide());
}

std::optional<Decision> SweepRunner::next_decision() {
  if (nothing_to_decide_ || stop_after_failure_ || stops_obeyed_ > 0) return std::nullopt;
  if (const Run* first = canary();
      first != nullptr && (first->granted > 0 || first->phase == Phase::kFailed))
    return std::nullopt;
  std::vector<Standing> standing;
  for (const Run& run : runs_) standing.push_back(standing_of(run));
  std::optional<Decision> decision = strategy_->next(plan_.runs, standing);
  nothing_to_decide_ = !decision;
  return decision;
}

// False when there is nothing to decide before something else has happened.
bool SweepRunner::decide() {
  if (runs_.empty() || !scheduler_.has_room(job_of(runs_[0]))) return false;
  const std::optional<Decision> decision = next_decision();
  if (!decision) return false;
  if (decision->draw)
    draw(*decision);
  else
    grant(runs_.at(decision->run.value()), *decision);
  return true;
}

void SweepRunner::grant(Run& run, const Decision& decision) {
  if (!decision.why.empty()) {
    folder_.journal({.what = "granted",
                     .run = run.planned.name,
                     .hash = run.planned.hash,
                     .detail = decision.why,
                     .epochs = decision.epochs});
    view_.note(fmt::format("{:9} {}  {}", "granted", run.planned.name, decision.why));
  }
  run.granted = decision.epochs;
  run.phase = Phase::kQueued;
}

void SweepRunner::draw(const Decision& decision) {
  folder_.journal({.what = "drawn",
                   .run = plan_.name,
                   .detail = decision.why,
                   .draw = decision.draw,
                   .space = plan_.space});
  const SweepPlan plan = options_.replan(read_journal(folder_.path()));
  if (plan.runs.size() == plan_.runs.size())
    throw ConfigError(fmt::format(
        "draw {} of the random axes makes no new run; does one of them only change what cannot "
        "change a result?",
        *decision.draw));
  plan_ = plan;
  folder_.write_plan(plan_);
  const std::vector<fs::path> folders = folder_.run_folders(plan_.runs);
  for (std::size_t i = runs_.size(); i < plan_.runs.size(); ++i) {
    add_run(plan_.runs[i], folders[i]);
    note("added", runs_.back(), decision.why);
    is_settled(runs_.back());
    read_errors(runs_.back());
  }
}

Standing SweepRunner::standing_of(const Run& run) const {
  using State = Standing::State;
  Standing standing{
      .diverged = run.diverged, .granted = run.granted, .validation_error = run.validation_error};
  switch (run.phase) {
    case Phase::kQueued:
      standing.state = run.granted > 0 ? State::kUnderWay : State::kWaiting;
      break;
    case Phase::kRunning:
    case Phase::kUnfinished:
      standing.state = State::kUnderWay;
      break;
    case Phase::kPaused:
      standing.state = State::kPaused;
      break;
    case Phase::kFinished:
      standing.state = State::kFinished;
      break;
    case Phase::kFailed:
      standing.state = State::kFailed;
      break;
    case Phase::kCancelled:
      standing.state = State::kCancelled;
      break;
  }
  return standing;
}

void SweepRunner::read_errors(Run& run) {
  run.validation_error.clear();
  for (const EpochMetrics& epoch : read_epochs(run.folder))
    if (epoch.validation_error) run.validation_error[epoch.epoch] = *epoch.validation_error;
}

// Nothing was kept from starting, so what is paused now stays so.
bool SweepRunner::is_over() const {
  return stops_obeyed_ == 0 && !stop_after_failure_ && count(Phase::kQueued) == 0 &&
         count(Phase::kUnfinished) == 0;
}

// The run that goes first, until it has come out well; nullptr when none has to.
const SweepRunner::Run* SweepRunner::canary() const {
  if (!plan_.canary) return nullptr;
  for (const Run& run : runs_) {
    if (run.phase == Phase::kCancelled) continue;
    const bool well = run.phase == Phase::kFinished || run.phase == Phase::kPaused;
    return well ? nullptr : &run;
  }
  return nullptr;
}

bool SweepRunner::may_start(const Run& run) const {
  const Run* first = canary();
  return first == nullptr || first == &run;
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
  run.log_start = log_bytes(run.folder);
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
  if (strategy_->needs_errors()) read_errors(run);
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
  if (run.cancelling) {
    run.cancelling = false;
    run.phase = Phase::kCancelled;
    return note("stopped", run, fmt::format("cancelled at step {}", furthest_step(run.folder)));
  }
  if (result && result->status == RunStatus::kPaused && result->epochs >= run.granted)
    return pause(run, *result);
  // mpirun may end the rest before it has seen the code of the rank that knew; but that a peer was
  // lost only says that mpirun knows better.
  if (result && result->exit_code != 0 && !only_lost_a_peer(*result)) exit_code = result->exit_code;
  if (run.hung) exit_code = static_cast<int>(ExitCode::kHang);
  if (ended.interrupted && !run.asked_to_end)
    return retry_or_fail(run, static_cast<int>(ExitCode::kPeerLost), ended.reason);
  if (run.asked_to_end || exit_code == static_cast<int>(ExitCode::kDrained)) {
    run.phase = std::exchange(run.wanted_again, false) ? Phase::kQueued : Phase::kUnfinished;
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
  if (reason.empty()) reason = last_words(run.folder, run.log_start);
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

void SweepRunner::pause(Run& run, const RunResult& result) {
  run.phase = Phase::kPaused;
  run.attempts.clear();
  const auto error = run.validation_error.find(result.epochs);
  note("paused", run,
       fmt::format("after epoch {}{}", result.epochs,
                   error == run.validation_error.end()
                       ? ""
                       : fmt::format(", validation error {:.2f} %", error->second)));
}

// Requests are carried out in their order and taken away only after the journal has them.
void SweepRunner::obey_people() {
  if (clock_.now_s() - looked_for_requests_at_ >= options_.look_for_requests_every_s) {
    looked_for_requests_at_ = clock_.now_s();
    for (const SweepRequest& request : pending_requests(folder_.path())) {
      for (const std::string& hash : request.hashes)
        for (Run& run : runs_)
          if (run.planned.hash == hash)
            request.what == SweepRequest::What::kCancel ? cancel(run) : put_back(run);
      std::error_code ignored;
      fs::remove(request.file, ignored);
    }
  }
  for (const Run& run : runs_)
    if (run.cancelling && clock_.now_s() - run.cancelled_at > options_.cancel_patience_s)
      scheduler_.stop(run.planned.hash);
}

void SweepRunner::cancel(Run& run) {
  if (run.phase == Phase::kFinished || run.phase == Phase::kCancelled || run.cancelling) return;
  note("cancelled", run);
  if (run.phase != Phase::kRunning) {
    run.phase = Phase::kCancelled;
    return;
  }
  take_back(run);
}

void SweepRunner::take_back(Run& run) {
  run.cancelling = run.asked_to_end = true;
  run.cancelled_at = clock_.now_s();
  scheduler_.drain(run.planned.hash);
}

void SweepRunner::put_back(Run& run) {
  const bool ended = run.phase == Phase::kCancelled || run.phase == Phase::kFailed;
  if (!ended && !run.cancelling) return;
  note("retry", run);
  run.attempts.clear();
  run.not_before = 0;
  run.diverged = false;
  if (run.cancelling)
    run.wanted_again = true;
  else
    run.phase = Phase::kQueued;
  run.cancelling = false;
}

void SweepRunner::fail(Run& run, int exit_code, const std::string& reason) {
  run.phase = Phase::kFailed;
  run.diverged = exit_code == static_cast<int>(ExitCode::kNotFinite);
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
  ++failures_;
  if (plan_.stop_after > 0 && failures_ >= plan_.stop_after) stop_after_failure_ = true;
  if (canary() == &run) {
    stop_after_failure_ = true;
    view_.note("the canary failed, so nothing more is started");
  }
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
  folder_.journal(
      {.what = what, .run = run.planned.name, .hash = run.planned.hash, .detail = detail});
  view_.note(
      fmt::format("{:9} {}{}{}", what, run.planned.name, detail.empty() ? "" : "  ", detail));
  shown_at_ = -1e9;  // what runs now is not what it was
  nothing_to_decide_ = false;
}

std::string SweepRunner::summary_line() const {
  const int done = count(Phase::kFinished), failed = count(Phase::kFailed);
  const auto more = [](int number, const char* what) {
    return number > 0 ? fmt::format(", {} {}", number, what) : "";
  };
  return fmt::format("{} of {} finished{}{}{}, {} running, {} waiting, {} so far", done,
                     runs_.size(), more(failed, "failed"), more(count(Phase::kPaused), "paused"),
                     more(count(Phase::kCancelled), "cancelled"), executing(),
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

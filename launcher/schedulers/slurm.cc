#include "launcher/schedulers/slurm.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/base/strings.h"
#include "launcher/schedulers/slurm_job.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
namespace {

constexpr const char* kLaunchFailed = "launch failed requeued held";
constexpr double kWishAgainAfter_s = 10;
constexpr double kSubmitAgainAfter_s = 15;

// What every job needs to find its programs, libraries and data.
constexpr std::array kPassedOn = {
    "PATH",   "HOME",       "USER",      "LOGNAME", "LANG", "LC_ALL", "LD_LIBRARY_PATH",
    "TMPDIR", "HADAL_DATA", "SLURM_CONF"};

// How the queue tells jobs of Hadal from others, and one run's from another's.
std::string comment_of(const Job& job) { return "hadal " + hex64(hash64(job.folder.string())); }

// Of jobs that are over; everything else waits, runs, or is about to do either.
bool is_over(const std::string& state) {
  static const std::set<std::string> over = {"BOOT_FAIL", "CANCELLED", "COMPLETED",     "DEADLINE",
                                             "FAILED",    "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED",
                                             "REVOKED",   "TIMEOUT"};
  return over.contains(state);
}

// By Slurm, with no time for last words.
bool was_killed(const std::string& state) {
  return is_over(state) && state != "COMPLETED" && state != "FAILED";
}

bool is_patience_all_it_takes(const std::string& reason) {
  static const std::set<std::string> usual = {
      "None",        "Priority", "Resources", "BeginTime",       "Cleaning", "Prolog",
      "Reservation", "Licenses", "NodeDown",  "ReqNodeNotAvail", ""};
  return usual.contains(reason);
}

// sbatch may work in a while; anything else is for people to put right.
bool is_passing(const ToolOutput& answer) {
  static const std::vector<std::string> passing = {"Unable to contact slurm controller",
                                                   "Socket timed out",
                                                   "emporarily",
                                                   "not responding",
                                                   "Zero Bytes were transmitted",
                                                   "Connection refused",
                                                   "SubmitJobLimit",
                                                   "MaxSubmitJob",
                                                   "submit limit"};
  return answer.exit_code == 124 || std::ranges::any_of(passing, [&](const std::string& words) {
           return answer.err.find(words) != std::string::npos;
         });
}

// Minutes and seconds; Slurm rounds up to minutes.
std::string slurm_time(double seconds) {
  const auto whole = static_cast<long long>(std::ceil(seconds));
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

}  // namespace

SlurmScheduler::SlurmScheduler(SlurmOptions options, Tools& tools, Clock& clock)
    : options_(std::move(options)),
      tools_(tools),
      clock_(clock),
      watch_(clock, options_.silence_limit_s) {}

std::string SlurmScheduler::describe() const {
  return fmt::format(
      "slurm: {}, up to {} jobs in the queue",
      options_.partition.empty() ? "default partition" : "partition " + options_.partition,
      options_.most_jobs);
}

void SlurmScheduler::check() {
  ToolOutput partitions;
  try {
    for (const char* tool : {"sbatch", "squeue", "scancel"}) tools_.call({tool, "--version"});
    partitions = tools_.call({"sinfo", "--noheader", "--format=%R"});
  } catch (const IoError& error) {
    throw ConfigError(
        fmt::format("slurm: {}; load Slurm's module, or use --scheduler local", error.what()));
  }
  if (!partitions.ok())
    throw IoError(ExitCode::kMissingInput,
                  fmt::format("slurm: its controller does not answer ({}); see scontrol ping, or "
                              "use --scheduler local",
                              partitions.complaint()));
  const std::vector<std::string> known = split(trim(partitions.out), '\n');
  if (!options_.partition.empty() && std::ranges::count(known, options_.partition) == 0)
    throw ConfigError("slurm: " + unknown_name("partition", options_.partition, known));
}

bool SlurmScheduler::has_room(const Job&) const {
  return static_cast<int>(submitted_.size()) < options_.most_jobs;
}

bool SlurmScheduler::is_running(const std::string& id) const {
  const auto at = submitted_.find(id);
  return at != submitted_.end() && at->second.running;
}

std::vector<std::string> SlurmScheduler::news() { return std::exchange(news_, {}); }

std::vector<std::string> SlurmScheduler::sbatch_arguments(const Job& job) const {
  const std::string folder = job.folder.string();
  // sbatch replaces what follows a percent sign in names of files.
  if (folder.find_first_of("%\\") != std::string::npos)
    throw ConfigError(fmt::format(
        "slurm: the folder {} has a '%' or '\\' in its name; choose another with --runs", folder));
  std::vector<std::string> arguments = {
      "sbatch",
      "--parsable",
      "--job-name=" + job.folder.filename().string(),
      "--comment=" + comment_of(job),
      "--output=" + folder + "/log.txt",
      "--open-mode=append",
      "--requeue",
      fmt::format("--ntasks={}", job.ranks),
      fmt::format("--cpus-per-task={}", job.cores_per_rank),
      fmt::format("--signal=B:USR1@{}", static_cast<int>(options_.drain_margin_s))};
  if (!options_.partition.empty()) arguments.push_back("--partition=" + options_.partition);
  if (job.gpus_per_rank > 0)
    arguments.push_back(fmt::format("--gpus-per-task={}", job.gpus_per_rank));
  if (job.time_limit_s > 0)
    // The signal comes up to a minute early, and the run is to have its time.
    arguments.push_back("--time=" + slurm_time(job.time_limit_s + options_.drain_margin_s));
  std::vector<std::string> passed_on;
  for (const char* name : kPassedOn)
    if (std::getenv(name) != nullptr) passed_on.emplace_back(name);
  for (char** entry = environ; *entry != nullptr; ++entry)
    if (const std::string_view variable = *entry; variable.starts_with("OMPI_MCA_"))
      passed_on.emplace_back(variable.substr(0, variable.find('=')));
  passed_on.insert(passed_on.end(), options_.pass_on.begin(), options_.pass_on.end());
  arguments.push_back("--export=" + join(passed_on, ","));
  arguments.insert(arguments.end(), options_.more.begin(), options_.more.end());
  return arguments;
}

void SlurmScheduler::start(const Job& job) {
  HADAL_CHECK(has_room(job) && !submitted_.contains(job.id));
  Submitted submitted;
  submitted.job = job;
  submit(submitted);
  submitted_.emplace(job.id, std::move(submitted));
}

void SlurmScheduler::submit(Submitted& submitted) {
  const Job& job = submitted.job;
  std::vector<std::string> arguments = sbatch_arguments(job);
  const fs::path script = write_batch_job({job, options_.mpirun, options_.silence_limit_s});
  for (const std::string& last : {script.string(), options_.program, std::string("sweep"),
                                  std::string("attempt"), job.folder.string()})
    arguments.push_back(last);
  const ToolOutput answer = tools_.call(arguments);
  if (answer.ok()) {
    const std::string_view out = trim(answer.out);
    submitted.slurm_id = out.substr(0, out.find(';'));  // "36;cluster"
    return;
  }
  if (!is_passing(answer))
    throw ConfigError(fmt::format("slurm: sbatch refuses {}: {}", job.folder.filename().string(),
                                  answer.complaint()));
  // It may have arrived all the same: poll() looks before it submits again.
  submitted.submit_at = clock_.now_s() + kSubmitAgainAfter_s;
  news_.push_back(fmt::format("slurm: {} is not submitted yet ({}); trying again",
                              job.folder.filename().string(), answer.complaint()));
}

// False when the controller does not answer.
bool SlurmScheduler::look() {
  looked_at_ = clock_.now_s();
  const ToolOutput answer = tools_.call(
      {"squeue", "--me", "--noheader", "--array", "--states=all", "--format=%i|%T|%k|%r"});
  if (answer.ok() != answers_)
    news_.push_back(answer.ok() ? "slurm: the controller answers again"
                                : fmt::format("slurm: the controller does not answer ({}); what "
                                              "was submitted goes on",
                                              answer.complaint()));
  answers_ = answer.ok();
  if (!answers_) return false;
  queue_.clear();
  for (const std::string& line : split(answer.out, '\n')) {
    const std::vector<std::string> fields = split(line, '|');
    if (fields.size() >= 4) queue_.push_back({fields[0], fields[1], fields[2], fields[3]});
  }
  return true;
}

bool SlurmScheduler::adopt(const Job& job) {
  HADAL_CHECK(!submitted_.contains(job.id));
  if (clock_.now_s() - looked_at_ > options_.look_every_s && !look())
    throw IoError(ExitCode::kMissingInput,
                  "slurm: the controller does not answer, so what is in the queue is not known");
  for (const Entry& entry : queue_) {
    if (entry.comment != comment_of(job) || is_over(entry.state)) continue;
    Submitted submitted;
    submitted.job = job;
    submitted.slurm_id = entry.id;
    submitted.running = entry.state == "RUNNING";
    submitted_.emplace(job.id, std::move(submitted));
    return true;
  }
  return false;
}

std::vector<JobExit> SlurmScheduler::poll() {
  if (submitted_.empty() || clock_.now_s() - looked_at_ < options_.look_every_s || !look())
    return {};
  std::vector<JobExit> ended;
  for (auto at = submitted_.begin(); at != submitted_.end();) {
    Submitted& submitted = at->second;
    const auto is_this = [&](const Entry& entry) {
      return submitted.slurm_id.empty()
                 ? entry.comment == comment_of(submitted.job) && !is_over(entry.state)
                 : entry.id == submitted.slurm_id;
    };
    const auto entry = std::ranges::find_if(queue_, is_this);
    if (const auto exit = follow(submitted, entry == queue_.end() ? nullptr : &*entry)) {
      ended.push_back(*exit);
      at = submitted_.erase(at);
    } else {
      ++at;
    }
  }
  return ended;
}

std::optional<JobExit> SlurmScheduler::follow(Submitted& submitted, const Entry* entry) {
  if (submitted.slurm_id.empty()) {
    if (entry != nullptr) {
      submitted.slurm_id = entry->id;
    } else if (submitted.wish != Wish::kNone) {
      return JobExit{.id = submitted.job.id, .exit_code = static_cast<int>(ExitCode::kDrained)};
    } else if (clock_.now_s() >= submitted.submit_at) {
      try {
        submit(submitted);
      } catch (const Error& error) {
        return JobExit{.id = submitted.job.id,
                       .exit_code = static_cast<int>(error.exit_code()),
                       .reason = error.what()};
      }
    }
    return std::nullopt;
  }
  if (entry != nullptr && !is_over(entry->state)) return follow_alive(submitted, *entry);
  // Twice in a row: a controller that has just restarted may not have read its state yet.
  if (entry == nullptr && ++submitted.looks_gone < 2) return std::nullopt;
  const std::string state = entry == nullptr ? "" : entry->state;
  const auto claim = claim_of(submitted);
  // A supervisor that was not killed says itself when nothing runs any more; where it has not,
  // another start of the same job is at work.
  if (claim && !was_killed(state) && watch_.is_alive(submitted.job.folder, *claim))
    return std::nullopt;
  const JobExit exit = exit_of(submitted, claim, state);
  try {
    if (claim && !claim->exit_code)
      release_claim(submitted.job.folder, claim->number, exit.exit_code);
  } catch (const Error&) {
    // Then the next attempt waits.
  }
  return exit;
}

std::optional<JobExit> SlurmScheduler::follow_alive(Submitted& submitted, const Entry& entry) {
  submitted.looks_gone = 0;
  submitted.running = entry.state == "RUNNING";
  // The fault of a node, and Slurm would hold the job until an operator comes.
  if (entry.reason == kLaunchFailed) return take_back(submitted, entry.reason);
  if (is_ghost(submitted)) return take_back(submitted, "runs, says Slurm, but nothing does");
  if (entry.state == "PENDING") tell_why_it_waits(submitted, entry);
  if (submitted.wish != Wish::kNone && clock_.now_s() - submitted.wished_at > kWishAgainAfter_s)
    send_wish(submitted);
  return std::nullopt;
}

// A slurmd that dies while it starts a job leaves one that runs for ever, of which there is
// nothing.
bool SlurmScheduler::is_ghost(Submitted& submitted) {
  const double now = clock_.now_s();
  const auto claim = claim_of(submitted);
  if (!submitted.running || submitted.heard_at == 0 ||
      (claim && watch_.is_alive(submitted.job.folder, *claim)))
    submitted.heard_at = now;
  return now - submitted.heard_at > options_.silence_limit_s;
}

JobExit SlurmScheduler::take_back(const Submitted& submitted, const std::string& why) {
  tools_.call({"scancel", submitted.slurm_id});
  return {.id = submitted.job.id,
          .exit_code = static_cast<int>(ExitCode::kPeerLost),
          .reason = fmt::format("Slurm's job {}: {}", submitted.slurm_id, why),
          .interrupted = submitted.wish == Wish::kNone};
}

std::optional<ClaimRecord> SlurmScheduler::claim_of(const Submitted& submitted) const {
  std::optional<ClaimRecord> latest;
  for (const ClaimRecord& claim : read_claims(submitted.job.folder))
    if (claim.job == submitted.slurm_id) latest = claim;
  return latest;
}

JobExit SlurmScheduler::exit_of(const Submitted& submitted, const std::optional<ClaimRecord>& claim,
                                const std::string& state) const {
  constexpr int kDrained = static_cast<int>(ExitCode::kDrained);
  const std::string& id = submitted.slurm_id;
  JobExit exit{.id = submitted.job.id};
  // What the ranks said at their end counts most, then what Slurm says.
  exit.exit_code = claim && claim->exit_code       ? *claim->exit_code
                   : state == "OUT_OF_MEMORY"      ? static_cast<int>(ExitCode::kOutOfMemory)
                   : submitted.wish == Wish::kNone ? static_cast<int>(ExitCode::kPeerLost)
                   : submitted.wish == Wish::kStop ? 128 + SIGKILL
                                                   : kDrained;
  if (submitted.wish != Wish::kNone) return exit;
  const bool has_spoken = claim && claim->exit_code && *claim->exit_code != kDrained;
  if (state == "OUT_OF_MEMORY") {
    exit.reason = fmt::format("Slurm's job {} ran out of memory", id);
  } else if (state == "CANCELLED") {
    exit.interrupted = true;
    exit.reason = fmt::format("Slurm's job {} was cancelled", id);
  } else if (state.empty()) {
    exit.interrupted = !has_spoken;
    if (!has_spoken) exit.reason = fmt::format("Slurm's job {} is gone from the queue", id);
  } else if (state != "COMPLETED" && state != "FAILED") {
    exit.interrupted = true;
    exit.reason = fmt::format("Slurm ended job {}: {}", id, state);
  } else if (!claim) {
    exit.exit_code = static_cast<int>(ExitCode::kInternal);
    exit.reason = fmt::format("Slurm's job {} ended before the run began; see log.txt", id);
  } else if (!has_spoken) {
    exit.interrupted = true;
    exit.reason = fmt::format("Slurm's job {} was asked to make room", id);
  }
  return exit;
}

void SlurmScheduler::drain(const std::string& id) {
  const auto at = submitted_.find(id);
  if (at == submitted_.end() || at->second.wish != Wish::kNone) return;
  at->second.wish = Wish::kDrain;
  send_wish(at->second);
}

void SlurmScheduler::stop(const std::string& id) {
  const auto at = submitted_.find(id);
  if (at == submitted_.end() || at->second.wish == Wish::kStop) return;
  at->second.wish = Wish::kStop;
  send_wish(at->second);
}

void SlurmScheduler::send_wish(Submitted& submitted) {
  submitted.wished_at = clock_.now_s();
  const std::string& id = submitted.slurm_id;
  if (id.empty()) return;
  if (submitted.wish == Wish::kStop) {
    tools_.call({"scancel", "--signal=KILL", "--full", id});
    tools_.call({"scancel", id});
    return;
  }
  // One of the two applies; a job that starts in between gets the signal with the next wish.
  tools_.call({"scancel", "--state=PENDING", id});
  tools_.call({"scancel", "--signal=USR2", "--batch", id});
}

void SlurmScheduler::tell_why_it_waits(Submitted& submitted, const Entry& entry) {
  if (is_patience_all_it_takes(entry.reason) || entry.reason == submitted.told_reason) return;
  submitted.told_reason = entry.reason;
  news_.push_back(fmt::format("slurm: job {} ({}) waits: {}", submitted.slurm_id,
                              submitted.job.folder.filename().string(), entry.reason));
}

}  // namespace hadal::launcher

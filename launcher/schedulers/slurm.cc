#include "launcher/schedulers/slurm.h"

#include <algorithm>
#include <csignal>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/base/strings.h"
#include "launcher/environment.h"
#include "launcher/schedulers/sbatch.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
namespace {

constexpr const char* kLaunchFailed = "launch failed requeued held";
constexpr double kWishAgainAfter_s = 10;
constexpr double kSubmitAgainAfter_s = 15;

bool ask_for_the_same(const Job& a, const Job& b) {
  const auto wanted = [](const Job& job) {
    return std::tuple(job.ranks, job.cores_per_rank, job.gpus_per_rank, job.time_limit_s,
                      job.folder.parent_path());
  };
  return wanted(a) == wanted(b);
}

bool is_patience_all_it_takes(const std::string& reason) {
  static const std::set<std::string> usual = {
      "None",   "Priority",    "Resources", "BeginTime", "JobArrayTaskLimit", "Cleaning",
      "Prolog", "Reservation", "Licenses",  "NodeDown",  "ReqNodeNotAvail",   ""};
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

// As its controller is configured, 1001 where nothing is; at least 1.
std::size_t most_tasks_of_an_array(Tools& tools) {
  constexpr std::size_t kDefault = 1001;
  const std::string text = tools.call({"scontrol", "show", "config"}).out;
  const std::size_t at = text.find("MaxArraySize");
  if (at == std::string::npos) return kDefault;
  const std::size_t begin = text.find('=', at) + 1;
  const std::string number(trim(text.substr(begin, text.find('\n', at) - begin)));
  return static_cast<std::size_t>(
      std::max<long long>(1, parse_int(number, "MaxArraySize of scontrol show config")));
}

}  // namespace

SlurmScheduler::SlurmScheduler(SlurmOptions options, Tools& tools, Clock& clock)
    : options_(std::move(options)),
      tools_(tools),
      clock_(clock),
      watch_(clock, options_.silence_limit_s),
      queue_(tools, clock) {}

std::string SlurmScheduler::describe() const {
  return fmt::format(
      "slurm: {}, up to {} jobs in the queue{}",
      options_.partition.empty() ? "default partition" : "partition " + options_.partition,
      options_.most_jobs,
      options_.most_running > 0 ? fmt::format(", {} at a time", options_.most_running) : "");
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
  most_tasks_ = most_tasks_of_an_array(tools_);
}

bool SlurmScheduler::has_room(const Job&) const {
  return static_cast<int>(submitted_.size()) < options_.most_jobs;
}

bool SlurmScheduler::is_running(const std::string& id) const {
  const auto at = submitted_.find(id);
  return at != submitted_.end() && at->second.running;
}

std::vector<std::string> SlurmScheduler::news() {
  std::vector<std::string> all = queue_.news();
  all.insert(all.end(), news_.begin(), news_.end());
  news_.clear();
  return all;
}

void SlurmScheduler::start(const Job& job) {
  HADAL_CHECK(has_room(job) && !submitted_.contains(job.id));
  // sbatch replaces what follows a percent sign in names of files.
  const std::string folder = job.folder.string();
  if (folder.find_first_of("%\\") != std::string::npos)
    throw ConfigError(fmt::format(
        "slurm: the folder {} has a '%' or '\\' in its name; choose another with --runs", folder));
  submitted_[job.id].job = job;
  waiting_.push_back(job.id);
}

// Of the runs that may execute at a time, those that nothing submitted can take.
int SlurmScheduler::places_left() const {
  if (options_.most_running == 0) return options_.most_jobs;
  std::map<std::string, int> taken;  // by mark
  for (const auto& [id, submitted] : submitted_)
    if (const Ticket& ticket = submitted.ticket; !ticket.mark.empty())
      taken[ticket.mark] = std::min(taken[ticket.mark] + 1, ticket.at_a_time);
  int left = options_.most_running;
  for (const auto& [mark, places] : taken) left -= places;
  return left;
}

void SlurmScheduler::submit_what_waits() {
  while (!waiting_.empty()) {
    const int places = places_left();
    if (places <= 0) return;
    const std::vector<std::string> ids = take_alike(static_cast<int>(most_tasks_));
    submit(ids, std::min(places, static_cast<int>(ids.size())));
  }
}

// The first that waits, and others that ask for the same.
std::vector<std::string> SlurmScheduler::take_alike(int most) {
  const Job first = submitted_.at(waiting_.front()).job;
  std::vector<std::string> taken, left;
  for (const std::string& id : waiting_) {
    const bool goes =
        static_cast<int>(taken.size()) < most && ask_for_the_same(submitted_.at(id).job, first);
    (goes ? taken : left).push_back(id);
  }
  waiting_ = std::move(left);
  return taken;
}

void SlurmScheduler::submit(const std::vector<std::string>& ids, int at_a_time) {
  const Job& first = submitted_.at(ids[0]).job;
  const std::string mark = hex64(hash64(
      fmt::format("{} {} {} {}", first.folder.string(), utc_now(), ::getpid(), ++sbatches_)));
  for (std::size_t task = 0; task < ids.size(); ++task)
    submitted_.at(ids[task]).ticket = {mark, static_cast<int>(task), at_a_time};
  const std::string what = ids.size() == 1 ? name_of(first) : fmt::format("{} runs", ids.size());
  ToolOutput answer;
  try {
    answer = call_sbatch(ids);
    if (!answer.ok() && !is_passing(answer))
      throw ConfigError(fmt::format("slurm: sbatch refuses {}: {}", what, answer.complaint()));
  } catch (const Error& error) {
    return refuse(ids, error);
  }
  const std::string number(trim(answer.out.substr(0, answer.out.find(';'))));  // "36;cluster"
  for (std::size_t task = 0; task < ids.size(); ++task) {
    Submitted& submitted = submitted_.at(ids[task]);
    // It may have arrived all the same: poll() looks before it is submitted again.
    submitted.submit_again_at = clock_.now_s() + kSubmitAgainAfter_s;
    if (answer.ok())
      submitted.slurm_id = ids.size() == 1 ? number : fmt::format("{}_{}", number, task);
  }
  if (!answer.ok())
    news_.push_back(fmt::format("slurm: {} not submitted yet ({}); trying again",
                                what + (ids.size() == 1 ? " is" : " are"), answer.complaint()));
  else if (ids.size() > 1)
    news_.push_back(
        fmt::format("slurm: job {} is an array of {}, {} at a time", number, what, at_a_time));
}

ToolOutput SlurmScheduler::call_sbatch(const std::vector<std::string>& ids) {
  std::vector<BatchJob> jobs;
  std::vector<Ticket> tickets;
  for (const std::string& id : ids) {
    const Submitted& submitted = submitted_.at(id);
    jobs.push_back({submitted.job, options_.starter, options_.silence_limit_s});
    tickets.push_back(submitted.ticket);
  }
  const SubmissionFiles files = write_submission(jobs, tickets);
  return tools_.call(sbatch_arguments(options_, jobs, tickets[0], files));
}

void SlurmScheduler::refuse(const std::vector<std::string>& ids, const Error& error) {
  for (const std::string& id : ids) {
    ended_.push_back(
        {.id = id, .exit_code = static_cast<int>(error.exit_code()), .reason = error.what()});
    submitted_.erase(id);
  }
}

bool SlurmScheduler::adopt(const Job& job) {
  HADAL_CHECK(!submitted_.contains(job.id));
  if (queue_.age_s() > options_.look_every_s && !queue_.look())
    throw IoError(ExitCode::kMissingInput,
                  "slurm: the controller does not answer, so what is in the queue is not known");
  const auto ticket = read_ticket(job.folder);
  const QueueEntry* entry = ticket ? queue_.of_comment(comment_of(*ticket), ticket->task) : nullptr;
  if (entry == nullptr) return false;
  Submitted& submitted = submitted_[job.id];
  submitted.job = job;
  submitted.ticket = *ticket;
  submitted.slurm_id = entry->id;
  submitted.running = entry->state == "RUNNING";
  return true;
}

std::vector<JobExit> SlurmScheduler::poll() {
  submit_what_waits();
  send_wishes();
  if (!submitted_.empty() && queue_.age_s() >= options_.look_every_s && queue_.look()) {
    for (auto at = submitted_.begin(); at != submitted_.end();) {
      const auto exit = at->second.ticket.mark.empty() ? std::nullopt : follow(at->second);
      if (exit) ended_.push_back(*exit);
      at = exit ? submitted_.erase(at) : std::next(at);
    }
  }
  return std::exchange(ended_, {});
}

std::optional<JobExit> SlurmScheduler::follow(Submitted& submitted) {
  if (submitted.slurm_id.empty()) return follow_unknown(submitted);
  const QueueEntry* entry = queue_.of_id(submitted.slurm_id);
  if (entry != nullptr && !entry->is_over()) return follow_alive(submitted, *entry);
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

// sbatch has not said whether it arrived.
std::optional<JobExit> SlurmScheduler::follow_unknown(Submitted& submitted) {
  const Ticket& ticket = submitted.ticket;
  if (const QueueEntry* entry = queue_.of_comment(comment_of(ticket), ticket.task)) {
    submitted.slurm_id = entry->id;
  } else if (submitted.wish != Wish::kNone) {
    return JobExit{.id = submitted.job.id, .exit_code = static_cast<int>(ExitCode::kDrained)};
  } else if (clock_.now_s() >= submitted.submit_again_at) {
    submitted.ticket = {};
    waiting_.push_back(submitted.job.id);
  }
  return std::nullopt;
}

std::optional<JobExit> SlurmScheduler::follow_alive(Submitted& submitted, const QueueEntry& entry) {
  submitted.looks_gone = 0;
  submitted.running = entry.state == "RUNNING";
  // The fault of a node, and Slurm would hold the job until an operator comes.
  if (entry.reason == kLaunchFailed) return take_back(submitted, entry.reason);
  if (is_ghost(submitted)) return take_back(submitted, "runs, says Slurm, but nothing does");
  if (entry.state == "PENDING") tell_why_it_waits(submitted, entry);
  return std::nullopt;
}

// A slurmd that dies while it starts a job leaves one that runs for ever, of which there is
// nothing.
bool SlurmScheduler::is_ghost(Submitted& submitted) {
  const double now = clock_.now_s();
  const auto gives_signs = [&] {
    const auto claim = claim_of(submitted);
    return claim && watch_.is_alive(submitted.job.folder, *claim);
  };
  if (!submitted.running || submitted.heard_at == 0 || gives_signs()) submitted.heard_at = now;
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
    exit.reason = fmt::format("Slurm's job {} ended before the run began; see {}", id,
                              "slurm/" + submitted.ticket.mark + ".txt");
  } else if (!has_spoken) {
    exit.interrupted = true;
    exit.reason = fmt::format("Slurm's job {} was asked to make room", id);
  }
  return exit;
}

void SlurmScheduler::drain(const std::string& id) { wish(id, Wish::kDrain); }

void SlurmScheduler::stop(const std::string& id) { wish(id, Wish::kStop); }

void SlurmScheduler::wish(const std::string& id, Wish wish) {
  const auto at = submitted_.find(id);
  if (at == submitted_.end() || at->second.wish >= wish) return;
  at->second.wish = wish;
  at->second.wished_at = -1e9;
  if (std::erase(waiting_, id) == 0) return;
  ended_.push_back({.id = id, .exit_code = static_cast<int>(ExitCode::kDrained)});
  submitted_.erase(at);
}

// Those of many jobs together, and again until they are obeyed.
void SlurmScheduler::send_wishes() {
  std::vector<std::string> to_drain, to_stop;
  for (auto& [id, submitted] : submitted_) {
    if (submitted.wish == Wish::kNone || submitted.slurm_id.empty() ||
        clock_.now_s() - submitted.wished_at < kWishAgainAfter_s)
      continue;
    submitted.wished_at = clock_.now_s();
    (submitted.wish == Wish::kStop ? to_stop : to_drain).push_back(submitted.slurm_id);
  }
  const auto cancel = [&](std::vector<std::string> options, const std::vector<std::string>& ids) {
    if (ids.empty()) return;
    options.insert(options.begin(), "scancel");
    options.insert(options.end(), ids.begin(), ids.end());
    tools_.call(options);
  };
  cancel({"--signal=KILL", "--full"}, to_stop);
  cancel({}, to_stop);
  // One of the two applies; a job that starts in between gets the signal with the next wish.
  cancel({"--state=PENDING"}, to_drain);
  cancel({"--signal=USR2", "--batch"}, to_drain);
}

void SlurmScheduler::tell_why_it_waits(Submitted& submitted, const QueueEntry& entry) {
  if (is_patience_all_it_takes(entry.reason) || entry.reason == submitted.told_reason) return;
  submitted.told_reason = entry.reason;
  news_.push_back(fmt::format("slurm: job {} ({}) waits: {}", submitted.slurm_id,
                              submitted.job.folder.filename().string(), entry.reason));
}

}  // namespace hadal::launcher

#include "launcher/schedulers/local.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <utility>

#include <fmt/format.h>
#include <sys/stat.h>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "launcher/mpirun.h"
#include "launcher/run_store.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
namespace {

constexpr double kGraceAfterTerm_s = 3;  // mpirun itself gives its ranks 1 s between TERM and KILL
constexpr double kGraceAfterExit_s = 1;  // ranks of a killed mpirun notice and leave within 1 s
constexpr double kLookEvery_s = 0.25;    // reading /proc costs milliseconds

int gpus_per_job(const LocalOptions& options) { return options.ranks * options.gpus_per_rank; }

std::string count(std::size_t number, const std::string& what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

}  // namespace

LocalScheduler::LocalScheduler(LocalOptions options, Processes& processes, Clock& clock)
    : options_(std::move(options)), processes_(processes), clock_(clock), probe_(clock) {
  HADAL_CHECK(!options_.cores.empty() && options_.ranks > 0 && options_.cores_per_rank > 0);
  const int cores = static_cast<int>(options_.cores.size());
  const int per_job = options_.ranks * options_.cores_per_rank;
  places_ = std::max(1, cores / per_job);
  if (options_.gpus_per_rank > 0)
    places_ =
        std::clamp(static_cast<int>(options_.gpus.size()) / gpus_per_job(options_), 1, places_);
  else if (options_.pack == 1 && options_.slots > places_)
    places_ = options_.slots;
  oversubscribed_ = places_ * per_job > cores;
}

LocalScheduler::~LocalScheduler() {
  for (auto& [id, running] : running_) {
    kill_all(running);
    remove_scratch(running.job);
  }
}

void LocalScheduler::check() {
  if (static_cast<int>(options_.gpus.size()) < gpus_per_job(options_))
    throw ConfigError(fmt::format(
        "local: a run of {} wants {}, this machine has {} that may be used; give the sweep fewer "
        "ranks, or see CUDA_VISIBLE_DEVICES and nvidia-smi -L",
        count(options_.ranks, "rank"), count(gpus_per_job(options_), "GPU"), options_.gpus.size()));
}

std::string LocalScheduler::describe() const {
  const std::string gpus =
      options_.gpus_per_rank > 0 ? ", " + count(options_.gpus.size(), "GPU") : "";
  const std::string packed = options_.pack == 0  ? ", more at one place where that pays"
                             : options_.pack > 1 ? fmt::format(", {} at one place", options_.pack)
                                                 : "";
  int runs = places_ * std::max(1, options_.pack);
  if (options_.slots > 0) runs = std::min(runs, options_.slots);
  return fmt::format("local: {}{}, {} of {} at a time{}{}", count(options_.cores.size(), "core"),
                     gpus, count(runs, "run"), count(options_.ranks, "rank"), packed,
                     oversubscribed_ ? "; more threads than cores, expect slow runs" : "");
}

std::vector<std::string> LocalScheduler::news() { return std::exchange(news_, {}); }

int LocalScheduler::limit_at(int place) const {
  if (options_.pack > 0) return options_.pack;
  return place == 0 ? probe_.limit_where_tried() : probe_.limit();
}

int LocalScheduler::jobs_at(int place) const {
  return static_cast<int>(std::ranges::count_if(
      running_, [&](const auto& other) { return other.second.place == place; }));
}

// Of those with room the one with the fewest jobs, the first of these.
std::optional<int> LocalScheduler::free_place() const {
  if (options_.slots > 0 && static_cast<int>(running_.size()) >= options_.slots)
    return std::nullopt;
  std::optional<int> best;
  for (int place = 0; place < places_; ++place)
    if (jobs_at(place) < limit_at(place) && (!best || jobs_at(place) < jobs_at(*best)))
      best = place;
  return best;
}

bool LocalScheduler::has_room(const Job&) const { return free_place().has_value(); }

// What runs at the first place says whether one more there would pay.
void LocalScheduler::probe() {
  if (options_.pack != 0 || probe_.decided()) return;
  std::erase_if(order_, [&](const std::string& id) { return !running_.contains(id); });
  std::vector<PackedRun> runs;
  for (const std::string& id : order_)
    runs.push_back({id, read_progress(running_.at(id).job.folder).value_or(Progress{}).step});
  if (const auto found = probe_.observe(runs)) news_.push_back("local: " + *found);
}

bool LocalScheduler::is_running(const std::string& id) const {
  const auto at = running_.find(id);
  return at != running_.end() && at->second.phase != Phase::kWaiting;
}

fs::path LocalScheduler::scratch_of(const Job& job) const {
  return scratch_folder(options_.scratch, job);
}

void LocalScheduler::remove_scratch(const Job& job) const {
  std::error_code ignored;
  fs::remove_all(scratch_of(job), ignored);
}

std::vector<int> LocalScheduler::processes_of(const Job& job) const {
  return processes_.find_marked(kRunVariable, job.folder.string());
}

ProcessSpec LocalScheduler::process_for(const Running& running) const {
  const Job& job = running.job;
  ProcessSpec process;
  process.log = job.folder / "log.txt";
  process.signal_when_orphaned = SIGUSR1;
  process.environment = rank_environment(job);
  if (options_.as_root) {
    process.environment["OMPI_ALLOW_RUN_AS_ROOT"] = "1";
    process.environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1";
  }
  process.arguments = mpirun_on_one_host(options_.mpirun, job, scratch_of(job),
                                         oversubscribed_ || options_.pack != 1);
  const int threads_per_job = job.ranks * job.cores_per_rank;
  if (!oversubscribed_) {
    const auto first = options_.cores.begin() + running.place * threads_per_job;
    process.cores.assign(first, first + threads_per_job);
  }
  if (const int gpus = gpus_per_job(options_); gpus > 0) {
    const auto first = options_.gpus.begin() + running.place * gpus;
    process.environment["CUDA_VISIBLE_DEVICES"] =
        join(std::vector<std::string>(first, first + gpus), ",");
  }
  return process;
}

void LocalScheduler::start(const Job& job) {
  const auto place = free_place();
  HADAL_CHECK(place && !running_.contains(job.id));
  Running running;
  running.job = job;
  running.place = *place;
  running.since = clock_.now_s();
  if (processes_of(job).empty()) launch(running);
  if (running.place == 0) order_.push_back(job.id);
  running_.emplace(job.id, std::move(running));
}

void LocalScheduler::launch(Running& running) {
  const fs::path scratch = scratch_of(running.job);
  remove_scratch(running.job);
  if (::mkdir(scratch.c_str(), 0700) != 0) throw io_error("cannot create", scratch.string(), errno);
  try {
    running.pid = processes_.start(process_for(running));
  } catch (...) {
    remove_scratch(running.job);
    throw;
  }
  running.phase = Phase::kRunning;
  running.since = clock_.now_s();
}

std::vector<JobExit> LocalScheduler::poll() {
  std::vector<JobExit> ended;
  for (auto at = running_.begin(); at != running_.end();) {
    Running& running = at->second;
    if (running.phase == Phase::kWaiting) wait_for_leftovers(running);
    if (running.phase == Phase::kRunning) watch(running);
    if (running.phase == Phase::kClearing && cleared(running)) {
      ended.push_back({.id = at->first, .exit_code = running.exit_code});
      at = running_.erase(at);
    } else {
      ++at;
    }
  }
  probe();
  return ended;
}

void LocalScheduler::wait_for_leftovers(Running& running) {
  const double now = clock_.now_s();
  if (now - running.last_look < kLookEvery_s) return;
  running.last_look = now;
  if (!processes_of(running.job).empty()) {
    if (now - running.since > options_.leftover_patience_s) kill_all(running);
    return;
  }
  if (running.stopping_since) {  // drained or stopped before it began
    running.exit_code = static_cast<int>(ExitCode::kDrained);
    running.phase = Phase::kClearing;
    return;
  }
  try {
    launch(running);
  } catch (const Error& error) {
    // Where the runner looks for a run's last words.
    std::ofstream(running.job.folder / "log.txt", std::ios::app)
        << "hadal: " << error.what() << "\n";
    running.exit_code = static_cast<int>(error.exit_code());
    running.phase = Phase::kClearing;
  }
}

void LocalScheduler::watch(Running& running) {
  if (const auto exit_code = processes_.try_wait(running.pid)) {
    running.exit_code = *exit_code;
    running.phase = Phase::kClearing;
    running.since = clock_.now_s();
    running.last_look = -1;
    running.killed = false;
    return;
  }
  if (running.stopping_since && !running.killed &&
      clock_.now_s() - *running.stopping_since > kGraceAfterTerm_s)
    kill_all(running);
}

bool LocalScheduler::cleared(Running& running) {
  const double now = clock_.now_s();
  if (now - running.last_look < kLookEvery_s) return false;
  running.last_look = now;
  if (!processes_of(running.job).empty()) {
    if (now - running.since > kGraceAfterExit_s) kill_all(running);
    return false;
  }
  remove_scratch(running.job);
  return true;
}

void LocalScheduler::kill_all(Running& running) {
  running.killed = true;
  if (running.phase == Phase::kRunning) processes_.send_signal(running.pid, SIGKILL);
  for (const int pid : processes_of(running.job)) processes_.send_signal(pid, SIGKILL);
}

void LocalScheduler::drain(const std::string& id) {
  const auto at = running_.find(id);
  if (at == running_.end()) return;
  if (at->second.phase == Phase::kRunning) processes_.send_signal(at->second.pid, SIGUSR1);
  if (at->second.phase == Phase::kWaiting) at->second.stopping_since = clock_.now_s();
}

void LocalScheduler::stop(const std::string& id) {
  const auto at = running_.find(id);
  if (at == running_.end()) return;
  Running& running = at->second;
  if (running.phase == Phase::kWaiting) kill_all(running);
  if (running.phase == Phase::kRunning && !running.stopping_since)
    processes_.send_signal(running.pid, SIGTERM);
  if (!running.stopping_since) running.stopping_since = clock_.now_s();
}

}  // namespace hadal::launcher

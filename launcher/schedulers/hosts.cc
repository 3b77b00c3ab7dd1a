#include "launcher/schedulers/hosts.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <numeric>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/strings.h"
#include "launcher/mpirun.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
namespace {

constexpr int kSshFailed = 255;
constexpr double kProbePatience_s = 15;     // beyond what reap itself waits
constexpr double kLeftoverPatience_s = 60;  // for an earlier attempt to save itself
constexpr double kGraceAfterTerm_s = 3;  // mpirun itself gives its ranks 1 s between TERM and KILL
constexpr double kLookEvery_s = 1;
constexpr int kMostOfAHost = 65536;  // cores or GPUs
constexpr const char* kPlainCharacters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/:";

bool is_plain(const std::string& text) {
  return text.find_first_not_of(kPlainCharacters) == std::string::npos;
}

// For the shell that sshd hands a command to.
std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) c == '\'' ? result += "'\\''" : result += c;
  return result + "'";
}

std::vector<std::string> ssh_options(const std::string& config) {
  std::vector<std::string> options = {"-o", "BatchMode=yes",         "-o", "ConnectTimeout=5",
                                      "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3"};
  if (!config.empty()) options.insert(options.end(), {"-F", config});
  return options;
}

// How many ranks find their cores and GPUs in these.
int ranks_in(int slots, int cores_per_rank, int gpus, int gpus_per_rank) {
  const int by_cores = slots / cores_per_rank;
  return gpus_per_rank > 0 ? std::min(by_cores, gpus / gpus_per_rank) : by_cores;
}

Host parse_host(const std::string& line, const std::string& where) {
  std::vector<std::string> words;
  for (const std::string& word : split(line, ' '))
    if (!word.empty()) words.push_back(word);
  Host host{.name = words.at(0)};
  if (host.name[0] == '-' || !is_plain(host.name) ||
      host.name.find_first_of("/:") != std::string::npos)
    throw ConfigError(
        fmt::format("{}: host '{}': wanted letters, digits, '.', '_' and '-'", where, host.name));
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::size_t equals = words[i].find('=');
    const std::string key = words[i].substr(0, equals);
    if (equals == std::string::npos || (key != "slots" && key != "gpus"))
      throw ConfigError(fmt::format("{}: '{}': wanted slots=N or gpus=N", where, words[i]));
    const long long value =
        parse_int(words[i].substr(equals + 1), fmt::format("{}: {}", where, key));
    if (value < 1 || value > kMostOfAHost)
      throw ConfigError(fmt::format("{}: {}={}: wanted 1 to {}", where, key, value, kMostOfAHost));
    (key == "slots" ? host.slots : host.gpus) = static_cast<int>(value);
  }
  return host;
}

}  // namespace

std::vector<Host> read_hostfile(const fs::path& file) {
  std::vector<Host> hosts;
  int number = 0;
  for (const std::string& whole : split(read_file(file, std::size_t{1} << 20), '\n')) {
    const std::string where = fmt::format("{}:{}", file.string(), ++number);
    std::string line(trim(whole.substr(0, whole.find('#'))));
    std::ranges::replace(line, '\t', ' ');
    if (line.empty()) continue;
    hosts.push_back(parse_host(line, where));
    for (std::size_t i = 0; i + 1 < hosts.size(); ++i)
      if (hosts[i].name == hosts.back().name)
        throw ConfigError(fmt::format("{}: host {} was named before", where, hosts[i].name));
  }
  if (hosts.empty()) throw ConfigError(fmt::format("{}: no host in it", file.string()));
  return hosts;
}

HostsScheduler::HostsScheduler(HostsOptions options, Processes& processes, Clock& clock)
    : options_(std::move(options)), processes_(processes), clock_(clock) {
  for (const Host& host : options_.hosts) hosts_.push_back({.host = host});
  // mpirun cuts its options for ssh at blanks.
  if (!is_plain(options_.ssh_config) || !is_plain(options_.network))
    throw ConfigError(fmt::format(
        "hosts: '{}': wanted letters, digits and any of ._-/: in the path of ssh's configuration "
        "and in the network",
        is_plain(options_.network) ? options_.ssh_config : options_.network));
}

HostsScheduler::~HostsScheduler() {
  for (auto& [id, running] : running_) {
    if (running.phase == Phase::kRunning) processes_.send_signal(running.pid, SIGKILL);
    for (const Probe& probe : running.probes)
      if (!probe.exit_code) processes_.send_signal(probe.pid, SIGKILL);
  }
}

std::string HostsScheduler::describe() const {
  int slots = 0;
  for (const Host& host : options_.hosts) slots += host.slots;
  return fmt::format("hosts: {} host{}, {} core{}, runs of {} rank{}", options_.hosts.size(),
                     options_.hosts.size() == 1 ? "" : "s", slots, slots == 1 ? "" : "s",
                     options_.ranks, options_.ranks == 1 ? "" : "s");
}

std::vector<std::string> HostsScheduler::news() { return std::exchange(news_, {}); }

std::vector<std::string> HostsScheduler::ssh(const std::string& host,
                                             const std::vector<std::string>& command) const {
  std::vector<std::string> arguments = {"ssh"};
  for (const std::string& option : ssh_options(options_.ssh_config)) arguments.push_back(option);
  arguments.insert(arguments.end(), {"--", host});
  std::string line;
  for (const std::string& word : command) line += (line.empty() ? "" : " ") + quoted(word);
  arguments.push_back(line);
  return arguments;
}

void HostsScheduler::check() {
  Running everywhere;
  for (const HostState& state : hosts_) {
    everywhere.probes.push_back(
        {.host = state.host.name,
         .pid =
             processes_.start({.arguments = ssh(state.host.name, {options_.program, "--version"}),
                               .log = "/dev/null"}),
         .since = clock_.now_s()});
  }
  while (!have_answered(everywhere.probes)) clock_.sleep(0.05);
  const auto dead = take_out_the_dead(everywhere.probes);
  if (dead.size() == hosts_.size())
    throw ConfigError(fmt::format("hosts: none answers: {}; try ssh {} {} --version",
                                  join(dead, "; "), hosts_[0].host.name, options_.program));
  int places = 0;
  for (const Host& host : options_.hosts)
    places += ranks_in(host.slots, options_.cores_per_rank, host.gpus, options_.gpus_per_rank);
  if (places < options_.ranks)
    throw ConfigError(fmt::format(
        "hosts: a run wants {} ranks of {} cores{}, all hosts together have room for {}; give them "
        "more slots{} or the sweep fewer ranks",
        options_.ranks, options_.cores_per_rank,
        options_.gpus_per_rank > 0 ? fmt::format(" and {} GPUs", options_.gpus_per_rank) : "",
        places, options_.gpus_per_rank > 0 ? " and gpus=N" : ""));
}

int HostsScheduler::free_slots(const HostState& state) const {
  if (clock_.now_s() < state.out_until) return 0;
  int free = state.host.slots;
  for (const auto& [id, running] : running_)
    if (const auto at = running.shares.find(state.host.name); at != running.shares.end())
      free -= at->second.ranks * running.job.cores_per_rank;
  return std::max(0, free);
}

std::vector<int> HostsScheduler::free_gpus(const HostState& state) const {
  std::vector<int> free(static_cast<std::size_t>(state.host.gpus));
  std::iota(free.begin(), free.end(), 0);
  for (const auto& [id, running] : running_)
    if (const auto at = running.shares.find(state.host.name); at != running.shares.end())
      for (const int gpu : at->second.gpus) std::erase(free, gpu);
  return free;
}

// Hosts are filled in their order; empty when there is no room.
HostsScheduler::Shares HostsScheduler::place(const Job& job) const {
  Shares shares;
  int left = job.ranks;
  for (const HostState& state : hosts_) {
    std::vector<int> gpus = free_gpus(state);
    const int here = std::min(left, ranks_in(free_slots(state), job.cores_per_rank,
                                             static_cast<int>(gpus.size()), job.gpus_per_rank));
    if (here == 0) continue;
    gpus.resize(static_cast<std::size_t>(here * job.gpus_per_rank));
    shares[state.host.name] = {here, std::move(gpus)};
    left -= here;
  }
  return left == 0 ? shares : Shares{};
}

bool HostsScheduler::has_room(const Job& job) const {
  const int most = options_.most_jobs;
  return (most == 0 || static_cast<int>(running_.size()) < most) && !place(job).empty();
}

bool HostsScheduler::is_running(const std::string& id) const {
  const auto at = running_.find(id);
  return at != running_.end() && at->second.phase != Phase::kPreparing;
}

void HostsScheduler::start(const Job& job) {
  HADAL_CHECK(has_room(job) && !running_.contains(job.id));
  Running running;
  running.job = job;
  running.shares = place(job);
  ask_hosts(running, static_cast<int>(kLeftoverPatience_s));
  running_.emplace(job.id, std::move(running));
}

void HostsScheduler::ask_hosts(Running& running, int patience_s) {
  running.probes.clear();
  for (const auto& [host, share] : running.shares)
    running.probes.push_back(
        {.host = host,
         .pid = processes_.start({.arguments = ssh(host, {options_.program, "sweep", "reap",
                                                          running.job.folder.string(), "--patience",
                                                          std::to_string(patience_s)}),
                                  .log = "/dev/null"}),
         .since = clock_.now_s() + patience_s});
}

bool HostsScheduler::have_answered(std::vector<Probe>& probes) {
  bool all = true;
  for (Probe& probe : probes) {
    if (probe.exit_code) continue;
    probe.exit_code = processes_.try_wait(probe.pid);
    if (!probe.exit_code && clock_.now_s() - probe.since > kProbePatience_s)
      processes_.send_signal(probe.pid, SIGKILL);
    all = all && probe.exit_code;
  }
  return all;
}

// What is wrong with each of them.
std::vector<std::string> HostsScheduler::take_out_the_dead(const std::vector<Probe>& probes) {
  std::vector<std::string> reasons;
  for (const Probe& probe : probes) {
    const auto state = std::ranges::find_if(
        hosts_, [&](const HostState& candidate) { return candidate.host.name == probe.host; });
    if (probe.exit_code == 0) {
      state->cool_down_s = 0;
      continue;
    }
    reasons.push_back(probe.exit_code == kSshFailed || probe.exit_code == 128 + SIGKILL
                          ? fmt::format("host {} does not answer", probe.host)
                          : fmt::format("host {} cannot run {} (exit code {})", probe.host,
                                        options_.program, *probe.exit_code));
    state->cool_down_s = state->cool_down_s > 0 ? 2 * state->cool_down_s : options_.cool_down_s;
    state->out_until = clock_.now_s() + state->cool_down_s;
    const auto left = std::ranges::count_if(
        hosts_, [&](const HostState& other) { return clock_.now_s() >= other.out_until; });
    news_.push_back(fmt::format("hosts: {}; taken out for {}, {} of {} left", reasons.back(),
                                format_duration(state->cool_down_s), left, hosts_.size()));
  }
  return reasons;
}

ProcessSpec HostsScheduler::process_for(const Running& running) const {
  const Job& job = running.job;
  ProcessSpec process;
  process.log = job.folder / "log.txt";
  process.signal_when_orphaned = SIGUSR1;
  process.environment = rank_environment(job);
  process.environment[kAttemptVariable] = std::to_string(running.claim->number());
  std::vector<std::string> pass_on = options_.pass_on;
  for (const auto& [name, value] : process.environment) pass_on.push_back(name);
  for (const char* name : {"HADAL_DATA", "LD_LIBRARY_PATH"})
    if (std::getenv(name) != nullptr) pass_on.emplace_back(name);
  if (options_.as_root) {
    process.environment["OMPI_ALLOW_RUN_AS_ROOT"] = "1";
    process.environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1";
  }
  std::vector<std::string> more = {"--hostfile", (job.folder / "hosts.txt").string(), "--mca",
                                   "plm_rsh_args", join(ssh_options(options_.ssh_config), " ")};
  if (!options_.network.empty())
    more.insert(more.end(), {"--mca", "btl_tcp_if_include", options_.network, "--mca",
                             "oob_tcp_if_include", options_.network});
  std::vector<MpirunPart> parts;
  for (const auto& [host, share] : running.shares)
    if (!share.gpus.empty())
      parts.push_back(
          {.ranks = share.ranks,
           .options = {"--host", fmt::format("{}:{}", host, share.ranks), "-x",
                       fmt::format("CUDA_VISIBLE_DEVICES={}", fmt::join(share.gpus, ","))}});
  process.arguments = mpirun_on_hosts(options_.mpirun, job, pass_on, more, parts);
  return process;
}

void HostsScheduler::launch(Running& running) {
  std::string hostfile;
  for (const auto& [host, share] : running.shares)
    hostfile += fmt::format("{} slots={}\n", host, share.ranks);
  write_file_atomically(running.job.folder / "hosts.txt", hostfile);
  running.last_words.emplace(running.job.folder, processes_, clock_);
  running.claim.emplace(running.job.folder, fmt::format("mpirun of launcher {}", ::getpid()));
  running.pid = processes_.start(process_for(running));
  running.phase = Phase::kRunning;
}

std::vector<JobExit> HostsScheduler::poll() {
  std::vector<JobExit> ended;
  for (auto at = running_.begin(); at != running_.end();) {
    if (const auto exit = advance(at->second)) {
      ended.push_back(*exit);
      at = running_.erase(at);
    } else {
      ++at;
    }
  }
  return ended;
}

std::optional<JobExit> HostsScheduler::advance(Running& running) {
  if (running.phase == Phase::kPreparing) return prepare(running);
  if (running.phase == Phase::kClearing) return clear(running);
  watch(running);
  const auto exit_code = processes_.try_wait(running.pid);
  if (!exit_code) return std::nullopt;
  running.exit_code = *exit_code;
  running.phase = Phase::kClearing;
  ask_hosts(running, 1);
  return std::nullopt;
}

std::optional<JobExit> HostsScheduler::prepare(Running& running) {
  if (!have_answered(running.probes)) return std::nullopt;
  JobExit exit{.id = running.job.id};
  if (running.stopping_since) {
    exit.exit_code = static_cast<int>(ExitCode::kDrained);
    return exit;
  }
  const auto dead = take_out_the_dead(running.probes);
  if (!dead.empty()) {
    running.shares.clear();
    running.shares = place(running.job);
    if (!running.shares.empty()) {
      ask_hosts(running, static_cast<int>(kLeftoverPatience_s));
      return std::nullopt;
    }
    exit.exit_code = static_cast<int>(ExitCode::kPeerLost);
    exit.reason = join(dead, "; ");
    exit.interrupted = true;
    return exit;
  }
  try {
    launch(running);
    return std::nullopt;
  } catch (const Error& error) {
    exit.exit_code = static_cast<int>(error.exit_code());
    exit.reason = error.what();
    return exit;
  }
}

void HostsScheduler::watch(Running& running) {
  const double now = clock_.now_s();
  if (now - running.looked_at > kLookEvery_s) {
    running.looked_at = now;
    running.claim->beat();
  }
  if (!running.stopping_since) running.last_words->look(running.pid);
  if (running.stopping_since && !running.killed &&
      now - *running.stopping_since > kGraceAfterTerm_s) {
    running.killed = true;
    processes_.send_signal(running.pid, SIGKILL);
  }
}

std::optional<JobExit> HostsScheduler::clear(Running& running) {
  if (!have_answered(running.probes)) return std::nullopt;
  const auto dead = take_out_the_dead(running.probes);
  const bool ended_well =
      running.exit_code == 0 || running.exit_code == static_cast<int>(ExitCode::kDrained);
  JobExit exit{.id = running.job.id, .exit_code = running.exit_code};
  // That mpirun had to be ended says nothing about why.
  if (running.last_words->has_ended_it()) exit.exit_code = static_cast<int>(ExitCode::kHang);
  if (!dead.empty() && !ended_well) {
    exit.reason = join(dead, "; ");
    if (const std::string words = running.last_words->words(); !words.empty())
      exit.reason += "; " + words;
    exit.interrupted = true;
  }
  try {
    release_claim(running.job.folder, running.claim->number(), exit.exit_code);
  } catch (const Error&) {
    // A later attempt of this launcher does not ask.
  }
  return exit;
}

void HostsScheduler::drain(const std::string& id) {
  const auto at = running_.find(id);
  if (at == running_.end()) return;
  if (at->second.phase == Phase::kPreparing) return give_up_preparing(at->second);
  if (at->second.phase == Phase::kRunning) processes_.send_signal(at->second.pid, SIGUSR1);
}

void HostsScheduler::stop(const std::string& id) {
  const auto at = running_.find(id);
  if (at == running_.end() || at->second.stopping_since) return;
  if (at->second.phase == Phase::kPreparing) return give_up_preparing(at->second);
  at->second.stopping_since = clock_.now_s();
  if (at->second.phase == Phase::kRunning) processes_.send_signal(at->second.pid, SIGTERM);
}

void HostsScheduler::give_up_preparing(Running& running) {
  running.stopping_since = clock_.now_s();
  for (const Probe& probe : running.probes)
    if (!probe.exit_code) processes_.send_signal(probe.pid, SIGKILL);
}

void reap_run(const fs::path& folder, double patience_s, Processes& processes, Clock& clock) {
  const double since = clock.now_s();
  const auto left = [&] { return processes.find_marked(kRunVariable, folder.string()); };
  for (std::vector<int> pids = left(); !pids.empty(); pids = left()) {
    if (clock.now_s() - since > patience_s)
      for (const int pid : pids) processes.send_signal(pid, SIGKILL);
    clock.sleep(0.1);
  }
}

}  // namespace hadal::launcher

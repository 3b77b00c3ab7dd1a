// A scheduler without processes: a script says how each attempt at each run ends.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "launcher/run_store.h"
#include "launcher/scheduler.h"

namespace hadal::launcher {

/// Time that passes only when somebody sleeps.
class FakeClock final : public Clock {
 public:
  double now_s() const override { return now_; }
  void sleep(double seconds) override { now_ += seconds; }

 private:
  double now_ = 0;
};

class FakeScheduler final : public Scheduler {
 public:
  /// What an attempt does before it ends, and the exit code; a negative code runs until told to
  /// end.
  struct Ending {
    int exit_code = 0;
    std::function<void(const Job&)> before = {};
    double after_s = 1;
    std::string reason = {};
    bool interrupted = false;
  };

  FakeScheduler(Clock& clock, int slots) : clock_(clock), slots_(slots) {}

  /// Attempts at the run with this id, in order; without any left, a run finishes well.
  void script(const std::string& id, Ending ending) { script_[id].push_back(std::move(ending)); }

  bool has_room(const Job&) const override { return static_cast<int>(running_.size()) < slots_; }

  void start(const Job& job) override {
    started.push_back(job);
    started_at.push_back(clock_.now_s());
    Ending ending{.exit_code = 0, .before = trains};
    if (auto& endings = script_[job.id]; !endings.empty()) {
      ending = endings.front();
      endings.pop_front();
    }
    running_[job.id] = {job, ending, clock_.now_s() + ending.after_s};
    most_at_once = std::max(most_at_once, running_.size());
  }

  bool adopt(const Job& job) override {
    if (left_behind.erase(job.id) == 0) return false;
    start(job);
    return true;
  }

  bool is_running(const std::string& id) const override { return running_.contains(id); }

  std::vector<std::string> news() override { return std::exchange(to_tell, {}); }

  std::vector<JobExit> poll() override {
    std::vector<JobExit> ended;
    for (auto at = running_.begin(); at != running_.end();) {
      Running& running = at->second;
      if (running.ending.exit_code < 0 || clock_.now_s() < running.ends_at) {
        ++at;
        continue;
      }
      if (running.ending.before) running.ending.before(running.job);
      ended.push_back({.id = at->first,
                       .exit_code = running.ending.exit_code,
                       .reason = running.ending.reason,
                       .interrupted = running.ending.interrupted});
      at = running_.erase(at);
    }
    return ended;
  }

  void drain(const std::string& id) override {
    drained.push_back(id);
    if (const auto at = running_.find(id); at != running_.end() && !ignores_drain)
      at->second.ending = {75, drain_well}, at->second.ends_at = clock_.now_s() + 1;
  }

  void stop(const std::string& id) override {
    stopped.push_back(id);
    if (const auto at = running_.find(id); at != running_.end())
      at->second.ending = {137, {}}, at->second.ends_at = clock_.now_s();
  }

  std::string describe() const override { return "fake"; }

  static void finish_well(const Job& job) { end_as(RunStatus::kFinished, job); }
  static void drain_well(const Job& job) { end_as(RunStatus::kDrained, job); }

  /// What an attempt does of which no script tells.
  std::function<void(const Job&)> trains = finish_well;

  std::vector<Job> started;
  std::vector<double> started_at;
  std::vector<std::string> drained, stopped;
  std::set<std::string> left_behind;  // ids an earlier launcher submitted
  std::vector<std::string> to_tell;
  std::size_t most_at_once = 0;
  bool ignores_drain = false;

 private:
  static void end_as(RunStatus status, const Job& job) {
    RunResult result;
    result.status = status;
    write_result(job.folder, result);
  }

  struct Running {
    Job job;
    Ending ending;
    double ends_at = 0;
  };
  Clock& clock_;
  int slots_;
  std::map<std::string, std::deque<Ending>> script_;
  std::map<std::string, Running> running_;
};

}  // namespace hadal::launcher

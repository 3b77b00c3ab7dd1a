// hadal sweep cancel and retry: with a launcher at work, without one, with jobs left in a queue.
#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "launcher/sweep_runner.h"
#include "launcher/sweep_wishes.h"
#include "tests/launcher/fake_scheduler.h"

namespace hadal::launcher {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using What = SweepRequest::What;

std::string id(int run) { return fmt::format("{:016x}", 0xabc0 + run); }

SweepPlan plan_of(int runs) {
  SweepPlan plan;
  plan.name = "depth";
  for (int i = 0; i < runs; ++i)
    plan.runs.push_back({.name = fmt::format("net{}", i), .seed = 1, .hash = id(i)});
  return plan;
}

/// Does something once, when so much time has passed.
class BusyClock final : public Clock {
 public:
  double now_s() const override { return now_; }
  void sleep(double seconds) override {
    now_ += seconds;
    if (now_ > at && act) std::exchange(act, nullptr)();
  }
  double at = 0;
  std::function<void()> act;

 private:
  double now_ = 0;
};

class People : public testing::Test {
 protected:
  SweepSummary run(int runs) {
    SweepFolder folder(path);
    ProgressView view(shown, 0);
    return SweepRunner(plan_of(runs), folder, scheduler, clock, view, [] { return 0; }).run();
  }

  /// As while a launcher is at work: nobody waits for it.
  void ask(What what, std::vector<int> runs) {
    SweepRequest request{.what = what, .hashes = {}};
    for (const int run : runs) request.hashes.push_back(id(run));
    leave_request(path, request);
  }

  std::string wish(What what, const std::vector<std::string>& words, bool only_failed = false,
                   Scheduler* queue = nullptr) {
    std::ostringstream out;
    hand_over(path, what, words, only_failed, queue, clock, out);
    return out.str();
  }

  std::string complaint(What what, const std::vector<std::string>& words) {
    try {
      wish(what, words);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "no complaint";
  }

  TemporaryFolder root;
  const fs::path path = root.path() / "depth";
  BusyClock clock;
  FakeScheduler scheduler{clock, 1};
  std::ostringstream shown;
};

TEST_F(People, ACancelledRunSavesItselfAndIsNotStartedAgainBeforeARetry) {
  scheduler.script(id(0), {-1});
  clock.at = 3;
  clock.act = [&] { ask(What::kCancel, {0, 2}); };
  SweepSummary summary = run(3);
  EXPECT_EQ(summary.finished, 1);
  EXPECT_EQ(summary.cancelled, 2);
  EXPECT_EQ(summary.unfinished, 0);
  EXPECT_THAT(scheduler.drained, ElementsAre(id(0)));
  EXPECT_EQ(scheduler.started.size(), 2u) << "net2 never began";
  EXPECT_THAT(pending_requests(path), IsEmpty());

  EXPECT_EQ(run(3).cancelled, 2) << "nor does the next call begin it";
  EXPECT_EQ(scheduler.started.size(), 2u);
  EXPECT_THAT(shown.str(), HasSubstr("2 cancelled before; hadal sweep retry"));

  wish(What::kRetry, {"net2"});
  summary = run(3);
  EXPECT_EQ(summary.finished, 2);
  EXPECT_EQ(summary.cancelled, 1);
}

TEST_F(People, WhatDoesNotSaveItselfIsEnded) {
  scheduler.script(id(0), {-1});
  scheduler.ignores_drain = true;
  clock.at = 3;
  clock.act = [&] { ask(What::kCancel, {0}); };
  EXPECT_EQ(run(1).cancelled, 1);
  EXPECT_THAT(scheduler.stopped, testing::Contains(id(0)));
}

TEST_F(People, ARunThatFinishesAllTheSameIsFinished) {
  scheduler.script(id(0), {.exit_code = 0, .before = FakeScheduler::finish_well, .after_s = 5});
  scheduler.ignores_drain = true;
  clock.at = 3;
  clock.act = [&] { ask(What::kCancel, {0}); };
  EXPECT_EQ(run(1).finished, 1);
  EXPECT_THAT(complaint(What::kRetry, {"net0"}), HasSubstr("is finished; nothing to retry"));
  EXPECT_EQ(run(1).finished, 1);
}

TEST_F(People, ALauncherAtWorkTakesAFailedRunBack) {
  scheduler.script(id(0), {78});
  scheduler.script(id(1), {.exit_code = 0, .before = FakeScheduler::finish_well, .after_s = 9});
  clock.at = 5;
  clock.act = [&] { ask(What::kRetry, {0}); };
  EXPECT_EQ(run(2).finished, 2);
  EXPECT_EQ(scheduler.started.size(), 3u);
}

TEST_F(People, CancelledAndWantedAgainBeforeItHadEndedItGoesOn) {
  scheduler.script(id(0), {-1});
  clock.at = 3;
  clock.act = [&] {
    ask(What::kCancel, {0});
    ask(What::kRetry, {0});
  };
  EXPECT_EQ(run(1).finished, 1);
  EXPECT_EQ(scheduler.started.size(), 2u);
}

TEST_F(People, ADivergedRunIsRepeatedOnlyWhenSomebodyAsks) {
  scheduler.script(id(0), {87, [](const Job& job) {
                             RunResult own;
                             own.status = RunStatus::kFailed;
                             own.exit_code = 87;
                             own.reason = "loss not finite";
                             write_result(job.folder, own);
                           }});
  EXPECT_EQ(run(1).failed, 1);
  EXPECT_EQ(run(1).failed, 1);
  EXPECT_EQ(scheduler.started.size(), 1u);
  EXPECT_THAT(wish(What::kRetry, {}, true), HasSubstr("retry  net0"));
  EXPECT_EQ(run(1).finished, 1);
}

TEST_F(People, RequestsThatALauncherLeftAreCarriedOutByTheNext) {
  run(1);
  ask(What::kCancel, {1});
  EXPECT_EQ(run(3).cancelled, 1);
}

TEST_F(People, WithoutALauncherAJobInTheQueueIsTakenBack) {
  scheduler.script(id(0), {.exit_code = 75, .before = FakeScheduler::drain_well});
  run(1);
  scheduler.left_behind = {id(0)};
  write_file_atomically(path / ("net0-" + id(0)) / "job.json", "{}");
  scheduler.script(id(0), {-1});
  EXPECT_THAT(wish(What::kCancel, {"net0"}, false, &scheduler), HasSubstr("taken back"));
  EXPECT_THAT(scheduler.drained, ElementsAre(id(0)));

  // And by the next launcher, where it came back into the queue meanwhile.
  scheduler.left_behind = {id(0)};
  scheduler.script(id(0), {-1});
  EXPECT_EQ(run(1).cancelled, 1);
  EXPECT_THAT(scheduler.drained, ElementsAre(id(0), id(0)));
}

TEST_F(People, RunsAreNamedByNameHashFolderOrTheBeginningOfAHash) {
  run(2);
  const SweepRecord sweep = read_sweep(path, ReadRuns::kState);
  EXPECT_THAT(named_runs(sweep, {"net1", id(0)}), ElementsAre(0, 1));
  EXPECT_THAT(named_runs(sweep, {"net1-" + id(1)}), ElementsAre(1));
  EXPECT_THAT(complaint(What::kCancel, {"nat1"}),
              HasSubstr("unknown run 'nat1'; did you mean 'net"));
  EXPECT_THAT(complaint(What::kCancel, {"0000"}), HasSubstr("give more of the hash"));
  EXPECT_THAT(complaint(What::kCancel, {"net1"}), HasSubstr("net1 is finished; nothing to cancel"));
  EXPECT_THAT(wish(What::kCancel, {}), HasSubstr("nothing to cancel"));
}

}  // namespace
}  // namespace hadal::launcher

#include "launcher/sweep_runner.h"

#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "tests/launcher/fake_scheduler.h"

namespace hadal::launcher {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

SweepPlan plan_of(int runs) {
  SweepPlan plan;
  plan.name = "depth";
  plan.sweep_text = "name: \"depth\"\n";
  plan.ranks = 2;
  for (int i = 0; i < runs; ++i)
    plan.runs.push_back({.name = fmt::format("net{}", i),
                         .labels = {{"row", fmt::format("net{}", i)}, {"seed", "1"}},
                         .seed = 1,
                         .hash = fmt::format("{:016x}", i + 1),
                         .spec_text = fmt::format("# net {}\n", i)});
  plan.cells.push_back({"row", "column", {plan.runs[0].hash}});
  return plan;
}

std::string id(int run) { return fmt::format("{:016x}", run + 1); }

class SweepRunnerTest : public testing::Test {
 protected:
  SweepSummary run(const SweepPlan& plan, SweepRunnerOptions options = {}) {
    SweepFolder folder(path);
    ProgressView view(shown, 0);
    return SweepRunner(
               plan, folder, scheduler, clock, view, [&] { return stops(); }, options)
        .run();
  }
  RunResult result(int run) {
    return read_result(path / fmt::format("net{}-{}", run, id(run))).value();
  }
  std::string journal() { return read_file(path / "sweep.jsonl"); }

  TemporaryFolder root;
  const fs::path path = root.path() / "depth";
  FakeClock clock;
  FakeScheduler scheduler{clock, 2};
  std::function<int()> stops = [] { return 0; };
  std::ostringstream shown;
};

TEST_F(SweepRunnerTest, RunsAllOnTheSlotsThereAre) {
  const SweepSummary summary = run(plan_of(5));
  EXPECT_EQ(summary.finished, 5);
  EXPECT_EQ(summary.failed + summary.unfinished, 0);
  EXPECT_EQ(scheduler.most_at_once, 2u);
  const Job& job = scheduler.started[0];
  EXPECT_EQ(job.ranks, 2);
  EXPECT_EQ(read_file(job.folder / "spec.textproto"), "# net 0\n");
  EXPECT_THAT(job.command, ElementsAre("hadal", "train", (job.folder / "spec.textproto").string(),
                                       "--out", job.folder.string(), "--resume", "--quiet"));
}

TEST_F(SweepRunnerTest, FinishedRunsAreSkippedByHashWhateverTheirName) {
  run(plan_of(2));
  scheduler.started.clear();
  SweepPlan renamed = plan_of(3);
  renamed.runs[0].name = "another";
  EXPECT_EQ(run(renamed).finished, 3);
  ASSERT_EQ(scheduler.started.size(), 1u);
  EXPECT_EQ(scheduler.started[0].id, id(2));
  EXPECT_THAT(journal(), HasSubstr("finished before"));
}

TEST_F(SweepRunnerTest, AFailedRunIsRecordedAndTheRestGoesOn) {
  scheduler.script(id(0), {78, [](const Job& job) {
                             std::ofstream(job.folder / "log.txt")
                                 << "noise\nhadal: batch 3 is odd\n";
                           }});
  const SweepSummary summary = run(plan_of(3));
  EXPECT_EQ(summary.finished, 2);
  EXPECT_EQ(summary.failed, 1);
  EXPECT_EQ(scheduler.started.size(), 3u) << "a configuration error is not tried again";
  EXPECT_EQ(result(0).status, RunStatus::kFailed);
  EXPECT_EQ(result(0).exit_code, 78);
  EXPECT_EQ(result(0).reason, "batch 3 is odd");
  EXPECT_THAT(shown.str(), HasSubstr("failed    net0  batch 3 is odd (exit code 78)"));
}

TEST_F(SweepRunnerTest, OnFailureStopDrainsTheRest) {
  scheduler.script(id(0), {78});
  scheduler.script(id(1), {-1});
  SweepPlan plan = plan_of(3);
  plan.stop_after = 1;
  const SweepSummary summary = run(plan);
  EXPECT_EQ(summary.failed, 1);
  EXPECT_EQ(summary.unfinished, 2);
  EXPECT_THAT(scheduler.drained, ElementsAre(id(1)));
}

TEST_F(SweepRunnerTest, StopAfterTwoLetsOneFailureBe) {
  for (const int i : {0, 2}) scheduler.script(id(i), {78});
  SweepPlan plan = plan_of(9);
  plan.stop_after = 2;
  const SweepSummary summary = run(plan);
  EXPECT_EQ(summary.failed, 2);
  EXPECT_LE(summary.finished, 2) << "net1, and what ran beside the second failure";
  EXPECT_EQ(summary.finished + summary.unfinished, 7);
}

TEST_F(SweepRunnerTest, TheCanaryRunsAloneAndTheRestOnlyIfItFinishes) {
  SweepPlan plan = plan_of(4);
  plan.canary = true;
  EXPECT_EQ(run(plan).finished, 4);
  EXPECT_GE(scheduler.started_at[1] - scheduler.started_at[0], 1) << "not before it has ended";
  EXPECT_NEAR(scheduler.started_at[2] - scheduler.started_at[1], 0, 0.01) << "then side by side";
}

TEST_F(SweepRunnerTest, AfterADeadCanaryNothingIsStarted) {
  SweepPlan plan = plan_of(4);
  plan.canary = true;
  scheduler.script(id(0), {137});
  scheduler.script(id(0), {78});
  const SweepSummary summary = run(plan);
  EXPECT_EQ(summary.failed, 1);
  EXPECT_EQ(summary.unfinished, 3);
  EXPECT_EQ(scheduler.started.size(), 2u) << "the canary has its attempts, like any run";
  EXPECT_EQ(run(plan).finished, 4) << "the next call lets another one fly";
}

TEST_F(SweepRunnerTest, AKilledRunIsTriedAgainLaterAndLaterThenRecorded) {
  for (int i = 0; i < 3; ++i) scheduler.script(id(0), {137});
  const SweepSummary summary = run(plan_of(1));
  EXPECT_EQ(summary.failed, 1);
  ASSERT_EQ(scheduler.started.size(), 3u);
  // 1 s of life, 1 s and 4 s of waiting; ticks of 0.1 s.
  EXPECT_NEAR(scheduler.started_at[1] - scheduler.started_at[0], 2, 0.3);
  EXPECT_NEAR(scheduler.started_at[2] - scheduler.started_at[1], 5, 0.3);
  EXPECT_THAT(result(0).reason, AllOf(HasSubstr("signal 9"), HasSubstr("3 attempts")));
}

TEST_F(SweepRunnerTest, ARunThatIsKilledOnceFinishesAtTheSecondAttempt) {
  scheduler.script(id(0), {137});
  EXPECT_EQ(run(plan_of(1)).finished, 1);
  EXPECT_EQ(scheduler.started.size(), 2u);
}

TEST_F(SweepRunnerTest, TheTrainersOwnResultSaysMoreThanTheExitCode) {
  scheduler.script(id(0), {143, [](const Job& job) {
                             RunResult own;
                             own.status = RunStatus::kFailed;
                             own.exit_code = 87;
                             own.reason = "loss not finite at step 9";
                             own.steps = 9;
                             write_result(job.folder, own);
                           }});
  EXPECT_EQ(run(plan_of(1)).failed, 1);
  EXPECT_EQ(scheduler.started.size(), 1u) << "it would diverge again";
  EXPECT_EQ(result(0).reason, "loss not finite at step 9");
  EXPECT_EQ(result(0).steps, 9);

  EXPECT_EQ(run(plan_of(1)).failed, 1);
  EXPECT_EQ(scheduler.started.size(), 1u) << "nor does the next call repeat it";
  EXPECT_EQ(run(plan_of(1), {.retry_diverged = true}).finished, 1);
}

TEST_F(SweepRunnerTest, ThatAPeerWasLostIsNotTheReason) {
  scheduler.script(id(0), {78, [](const Job& job) {
                             std::ofstream(job.folder / "log.txt")
                                 << "hadal: rank 1 was lost\nhadal: cannot read /data on rank 1\n"
                                 << "hadal: warning: something else\n";
                             RunResult own;
                             own.status = RunStatus::kFailed;
                             own.exit_code = 89;
                             own.reason = "rank 1 was lost";
                             own.steps = 9;
                             write_result(job.folder, own);
                           }});
  EXPECT_EQ(run(plan_of(1)).failed, 1);
  EXPECT_EQ(scheduler.started.size(), 1u);
  EXPECT_EQ(result(0).reason, "cannot read /data on rank 1");
  EXPECT_EQ(result(0).exit_code, 78);
  EXPECT_EQ(result(0).steps, 9);
}

TEST_F(SweepRunnerTest, AResultOnTheDiskCountsEvenIfTheEndWasUntidy) {
  scheduler.script(id(0), {139, FakeScheduler::finish_well});
  EXPECT_EQ(run(plan_of(1)).finished, 1);
}

TEST_F(SweepRunnerTest, AnExitOfZeroWithoutAResultIsAFailure) {
  scheduler.script(id(0), {0});
  EXPECT_EQ(run(plan_of(1)).failed, 1);
  EXPECT_EQ(result(0).reason, "ended without a result");
}

TEST_F(SweepRunnerTest, AResultFromAnEarlierAttemptDoesNotSpeakForThisOne) {
  scheduler.script(id(0), {66, [](const Job& job) {
                             RunResult own;
                             own.status = RunStatus::kFailed;
                             own.reason = "no data";
                             write_result(job.folder, own);
                           }});
  run(plan_of(1));
  scheduler.script(id(0), {78});
  run(plan_of(1));
  EXPECT_EQ(result(0).reason, "configuration error");
}

TEST_F(SweepRunnerTest, OneWishToStopDrainsAndTheNextCallGoesOn) {
  for (int i = 0; i < 2; ++i) scheduler.script(id(i), {-1});
  stops = [&] { return clock.now_s() > 3 ? 1 : 0; };
  const SweepSummary summary = run(plan_of(4));
  EXPECT_EQ(summary.unfinished, 4);
  EXPECT_THAT(scheduler.drained, ElementsAre(id(0), id(1)));
  EXPECT_THAT(scheduler.stopped, IsEmpty());
  EXPECT_EQ(result(0).status, RunStatus::kDrained);
  EXPECT_EQ(scheduler.started.size(), 2u) << "nothing new is started";
  stops = [] { return 0; };
  EXPECT_EQ(run(plan_of(4)).finished, 4);
}

TEST_F(SweepRunnerTest, TheSecondWishStopsAtOnce) {
  scheduler.script(id(0), {-1});
  scheduler.ignores_drain = true;
  stops = [&] { return clock.now_s() > 5 ? 2 : clock.now_s() > 3 ? 1 : 0; };
  EXPECT_EQ(run(plan_of(1)).unfinished, 1);
  EXPECT_THAT(scheduler.stopped, ElementsAre(id(0)));
  EXPECT_EQ(result(0).status, RunStatus::kDrained);
}

TEST_F(SweepRunnerTest, ASilentRunIsEndedAsHung) {
  scheduler.script(id(0), {-1});
  scheduler.script(id(0), {-1});
  EXPECT_EQ(run(plan_of(1), {.silence_limit_s = 50}).failed, 1);
  EXPECT_EQ(scheduler.stopped.size(), 2u);
  EXPECT_EQ(result(0).exit_code, 85);
  EXPECT_THAT(result(0).reason, HasSubstr("nothing heard for 50"));
}

TEST_F(SweepRunnerTest, TheTimeLimitDrains) {
  scheduler.script(id(0), {-1});
  SweepPlan plan = plan_of(1);
  plan.time_limit_s = 20;
  EXPECT_EQ(run(plan).unfinished, 1);
  EXPECT_THAT(scheduler.drained, ElementsAre(id(0)));
}

TEST_F(SweepRunnerTest, ARunWhoseFolderCannotBeMadeFailsAlone) {
  fs::create_directories(path);
  std::ofstream(path / fmt::format("net0-{}", id(0))) << "a file in the way";
  const SweepSummary summary = run(plan_of(2));
  EXPECT_EQ(summary.failed, 1);
  EXPECT_EQ(summary.finished, 1);
}

TEST_F(SweepRunnerTest, AJournalThatCannotBeWrittenDrainsWhatRuns) {
  fs::create_directories(path);
  fs::create_symlink("/dev/full", path / "sweep.jsonl");
  EXPECT_THROW(run(plan_of(2)), IoError);

  // Full only after the first run has begun.
  fs::remove(path / "sweep.jsonl");
  scheduler.script(id(0), {-1});
  SweepFolder folder(path);
  ProgressView view(shown, 0);
  const auto break_journal = [&](const Job&) { throw IoError(ExitCode::kIo, "no space left"); };
  scheduler.script(id(1), {0, break_journal});
  SweepRunner runner(plan_of(2), folder, scheduler, clock, view, [] { return 0; });
  EXPECT_THROW(runner.run(), IoError);
  EXPECT_THAT(scheduler.drained, testing::Contains(id(0)));
}

TEST_F(SweepRunnerTest, TwoLaunchersDoNotWorkOnOneFolder) {
  const SweepFolder first(path);
  try {
    const SweepFolder second(path);
    FAIL() << "both hold the lock";
  } catch (const IoError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("another launcher"), HasSubstr("pid ")));
  }
}

TEST_F(SweepRunnerTest, WhatAnEarlierLauncherSubmittedIsTakenOverNotStartedAgain) {
  scheduler.left_behind = {id(1)};
  fs::create_directories(path / ("net1-" + id(1)));
  EXPECT_EQ(run(plan_of(2)).finished, 2);
  EXPECT_EQ(scheduler.started.size(), 2u);
  EXPECT_EQ(scheduler.started[0].id, id(1)) << "adopted before anything is started";
  EXPECT_THAT(journal(),
              HasSubstr(R"("detail":"submitted before","hash":"0000000000000002","run":"net1")"));
}

TEST_F(SweepRunnerTest, WhatTheClusterInterruptsIsTriedAgainEvenIfItSavedItself) {
  scheduler.script(id(0), {.exit_code = 75,
                           .before =
                               [](const Job& job) {
                                 RunResult drained;
                                 drained.status = RunStatus::kDrained;
                                 drained.exit_code = 75;
                                 write_result(job.folder, drained);
                               },
                           .reason = "job 36 was cancelled",
                           .interrupted = true});
  EXPECT_EQ(run(plan_of(1)).finished, 1);
  EXPECT_EQ(scheduler.started.size(), 2u);
  EXPECT_THAT(journal(), HasSubstr("job 36 was cancelled; in 1.0s"));
}

TEST_F(SweepRunnerTest, NewsOfTheSchedulerGoToTheJournalAndToThePeople) {
  scheduler.to_tell = {"host n2 does not answer"};
  run(plan_of(1));
  EXPECT_THAT(journal(), HasSubstr("host n2 does not answer"));
  EXPECT_THAT(shown.str(), HasSubstr("host n2 does not answer"));
}

TEST_F(SweepRunnerTest, TheFolderAloneTellsTheSweep) {
  scheduler.script(id(1), {78});
  run(plan_of(2));
  const SweepRecord sweep = read_sweep(path);
  EXPECT_EQ(sweep.name, "depth");
  EXPECT_EQ(sweep.sweep_text, "name: \"depth\"\n");
  EXPECT_EQ(sweep.ranks, 2);
  EXPECT_FALSE(sweep.locked);
  ASSERT_EQ(sweep.runs.size(), 2u);
  EXPECT_EQ(sweep.runs[0].planned.labels[0].second, "net0");
  EXPECT_TRUE(sweep.runs[0].record->finished());
  EXPECT_EQ(sweep.runs[1].record->result->status, RunStatus::kFailed);
  ASSERT_EQ(sweep.cells.size(), 1u);
  EXPECT_THAT(sweep.cells[0].hashes, ElementsAre(id(0)));
  EXPECT_THROW(read_sweep(root.path()), IoError);
}

TEST(ProgressView, RewritesItsLinesOnATerminalAndCutsThemToItsWidth) {
  std::ostringstream out;
  {
    ProgressView view(out, 20);
    view.update(0, {{"net0", Progress{.epoch = 1, .epochs = 2}}}, "0 of 1 finished");
    view.note("a line that stays");
    view.update(1, {}, "1 of 1 finished");
  }
  EXPECT_EQ(out.str(),
            "net0  epoch 1/2  st\n0 of 1 finished\n"
            "\x1b[A\x1b[2K\x1b[A\x1b[2K"
            "a line that stays\n"
            "1 of 1 finished\n"
            "\x1b[A\x1b[2K");
}

TEST(ProgressView, SaysOnlyWhatIsNewElsewhere) {
  std::ostringstream out;
  ProgressView view(out, 0, 30);
  const auto show = [&](double now, int epoch, long long step) {
    view.update(now, {{"net0", Progress{.epoch = epoch, .epochs = 9, .step = step}}}, "summary");
  };
  show(0, 1, 1);   // first
  show(1, 1, 2);   // too soon
  show(2, 2, 3);   // a new epoch
  show(40, 2, 9);  // half a minute later
  show(80, 2, 9);  // nothing has moved
  EXPECT_EQ(out.str(),
            "net0  epoch 1/9  step 1/0  loss 0.0000  0 images/s  0.0s left\n"
            "net0  epoch 2/9  step 3/0  loss 0.0000  0 images/s  0.0s left\n"
            "net0  epoch 2/9  step 9/0  loss 0.0000  0 images/s  0.0s left\n");
}

}  // namespace
}  // namespace hadal::launcher

#include "launcher/sweep_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/launcher/made_sweep.h"

namespace hadal::launcher {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Four runs: finished, failed, at step 30 of 60, not begun.
SweepRecord made(bool at_work) {
  MadeSweep folder;
  folder.finish("a", "", 1, {.last = 7.5, .seconds = 100});
  folder.fail("b", "", 1, "no data");
  write_progress(folder.start("c", "", 1), {.epoch = 3,
                                            .epochs = 6,
                                            .step = 30,
                                            .steps = 60,
                                            .loss = 0.5,
                                            .images_per_second = 400,
                                            .seconds_left = 50});
  folder.plan("d", "", 1);
  SweepRecord sweep = folder.read();
  sweep.locked = at_work;
  sweep.holder = "pid 12 on reef";
  sweep.strategy = "all";
  sweep.runs[2].running = at_work;
  return sweep;
}

std::vector<std::string> details(const SweepRecord& sweep) {
  std::vector<std::string> details;
  for (const SweepStatus::Line& line : status_of(sweep).lines) details.push_back(line.detail);
  return details;
}

TEST(SweepStatus, TellsWhatRunsHowFastAndWhatFailedAndWhy) {
  const SweepRecord sweep = made(true);
  EXPECT_EQ(status_of(sweep).heading, "made: a launcher is at work (pid 12 on reef)");
  EXPECT_THAT(details(sweep),
              ElementsAre("finished, test error 7.50 %, 1m 40s", "failed: no data",
                          "running  epoch 3/6  step 30/60  loss 0.5000  400 images/s  50.0s left",
                          "waiting"));
  // One at a time: 50 s of the one that runs, and 100 s for the one that waits, which is what the
  // others take.
  EXPECT_EQ(status_of(sweep).summary,
            "4 runs: 1 finished, 1 failed, 1 running, 1 waiting; about 2m 30s left");
}

TEST(SweepStatus, WithoutALauncherNothingRunsAndNothingIsLeftToWaitFor) {
  EXPECT_EQ(details(made(false))[2], "unfinished at epoch 3/6, step 30/60");
  EXPECT_EQ(status_of(made(false)).summary,
            "4 runs: 1 finished, 1 failed, 1 unfinished, 1 waiting");
}

TEST(SweepStatus, NothingIsExpectedOfASweepWhoseStrategyChooses) {
  SweepRecord sweep = made(true);
  EXPECT_DOUBLE_EQ(seconds_left(sweep).value(), 150);
  sweep.strategy = "asha";
  EXPECT_FALSE(seconds_left(sweep).has_value());
}

TEST(SweepStatus, CancelledPausedAndAgainAreToldApart) {
  SweepRecord sweep = made(true);
  sweep.runs[2].cancelled = true;
  EXPECT_EQ(details(sweep)[2], "being cancelled");
  sweep.runs[2].running = false;
  EXPECT_EQ(details(sweep)[2], "cancelled at epoch 3/6, step 30/60");
  sweep.runs[3].again = "killed by signal 9; in 4.0s";
  EXPECT_EQ(details(sweep)[3], "waiting to try again: killed by signal 9; in 4.0s");
  sweep.runs[1].record->result->status = RunStatus::kPaused;
  sweep.runs[1].record->result->epochs = 3;
  EXPECT_EQ(details(sweep)[1], "paused after epoch 3");
  sweep.over = true;
  EXPECT_EQ(details(sweep)[1], "stopped early after epoch 3");
}

TEST(SweepStatus, OfManyRunsOnlyThoseThatMatterAreListed) {
  const auto lines = lines_of(status_of(made(true)), 3);
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_THAT(lines[1], HasSubstr("failed: no data"));
  EXPECT_THAT(lines[2], HasSubstr("running"));
  EXPECT_EQ(lines[3], "  and 2 more, listed by --all");
  EXPECT_EQ(lines_of(status_of(made(true)), 4).size(), 6u);
}

}  // namespace
}  // namespace hadal::launcher

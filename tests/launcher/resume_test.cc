// Whatever ends a training, `--resume` goes on to the same bits, on as many ranks as are there now.
#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/launcher/program_test.h"

namespace hadal::launcher {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

// Two epochs of 600 steps, a checkpoint every 7: long enough that a signal sent at a checkpoint
// comes in the middle of an epoch, on a fast machine too.
constexpr long long kEpoch = 600, kSteps = 2 * kEpoch;
constexpr const char* kSpec = R"(
  model { name: "resnet" set: "depth=8" set: "width=4" set: "survival=0.5" }
  data {
    name: "generator" set: "train=9640" set: "test=32" set: "side=16" validation_images: 40
    preprocess: ["subtract_channel_mean", "divide_channel_std"]
  }
  augmentation { pad: 2 mirror: true }
  optimizer { name: "sgd" learning_rate: 0.05 momentum: 0.9 }
  schedule {
    kind: "cosine" warm_up { until_training_error: 85 learning_rate: 0.01 error_window: 20 }
  }
  epochs: 2 global_batch: 16 logical_shards: 4
  checkpoint { every_steps: 7 every_epochs: 0 every_seconds: 0 }
)";

class Resume : public ProgramTest {
 protected:
  std::vector<std::string> words() const {
    return {"train", spec, "--out", path("run"), "--resume"};
  }

  /// Starts or goes on, and sends `signal` once there is a checkpoint of `step`.
  Ended interrupted(const How& how, long long step, int signal, int to_rank = -1) {
    const Started started = start(words(), how);
    wait_for_checkpoint(path("run"), step);
    if (to_rank < 0)
      send_signal(started, signal);
    else
      send_signal_to_rank(started, to_rank, signal);
    Ended ended = wait(started);
    const auto left = read_run(path("run"));
    EXPECT_FALSE(left->finished());
    const long long last = checkpoint_steps(path("run")).back();
    EXPECT_LT(last, kSteps);
    EXPECT_NE(last % kEpoch, 0) << "not in the middle of an epoch";
    return ended;
  }

  RunRecord finished(const How& how) { return train(spec, "run", how, {"--resume"}); }
  RunRecord uninterrupted() { return train(spec, "whole", {}); }

  const fs::path spec = write("spec.textproto", kSpec);
};

TEST_F(Resume, AKilledRankEndsTheJobAndTwoRanksGoOnWhereFourWere) {
  const Ended killed = interrupted({.ranks = 4}, 28, SIGKILL, /*to_rank=*/2);
  EXPECT_THAT(killed.exit_code, testing::AnyOf(137, 89)) << killed.err;
  const RunRecord run = finished({.ranks = 2});
  EXPECT_EQ(run.events.back().what, "checkpoint");
  expect_same_run(run, uninterrupted());
}

TEST_F(Resume, TheRootKilledIsNoWorse) {
  interrupted({.ranks = 2}, 700, SIGKILL, /*to_rank=*/0);
  expect_same_run(finished({}), uninterrupted());
}

TEST_F(Resume, InterruptedInThreeWaysOnThreeNumbersOfRanks) {
  const Ended by_user = interrupted({.ranks = 2}, 28, SIGUSR1);
  EXPECT_EQ(by_user.exit_code, 75) << by_user.err;
  EXPECT_TRUE(by_user.complaints().empty()) << by_user.err;
  EXPECT_EQ(read_result(path("run"))->status, RunStatus::kDrained);

  const Ended by_scheduler = interrupted({}, 105, SIGTERM);
  EXPECT_EQ(by_scheduler.exit_code, 75) << by_scheduler.err;
  EXPECT_THAT(by_scheduler.out, HasSubstr("--resume goes on"));

  interrupted({.ranks = 4}, 700, SIGKILL, /*to_rank=*/3);
  expect_same_run(finished({.ranks = 2}), uninterrupted());
}

TEST_F(Resume, AJobThatDiedBetweenItsLastCheckpointAndItsResultSaysTheSame) {
  const RunRecord whole = uninterrupted();
  fs::remove(path("whole") / "result.json");
  expect_same_run(train(spec, "whole", {}, {"--resume"}), whole);
}

TEST_F(Resume, ATrainingThatPausesAfterAnEpochGoesOnToTheBitsOfOneThatDidNot) {
  const std::vector<std::string> pausing = {
      "train", spec, "--out", path("run"), "--resume", "--stop-after-epoch", "1"};
  const Ended paused = run(pausing, {.ranks = 2});
  EXPECT_EQ(paused.exit_code, 0) << paused.err;
  EXPECT_THAT(paused.out, HasSubstr("paused after epoch 1; --resume goes on"));
  const RunResult result = read_result(path("run")).value();
  EXPECT_EQ(result.status, RunStatus::kPaused);
  EXPECT_EQ(result.epochs, 1);
  EXPECT_FALSE(result.last->test_error) << "selection is not over";
  EXPECT_TRUE(result.last->validation_error);
  EXPECT_EQ(checkpoint_steps(path("run")).back(), kEpoch);

  // Again: there is nothing to train, and nothing is.
  EXPECT_EQ(run(pausing, {.ranks = 2}).exit_code, 0);
  EXPECT_EQ(read_result(path("run"))->steps, kEpoch);

  expect_same_run(finished({}), uninterrupted());
}

TEST_F(Resume, AnUnfinishedRunIsNotStartedOverByAccident) {
  interrupted({}, 28, SIGTERM);
  const std::vector<long long> before = checkpoint_steps(path("run"));
  const Ended refused = run({"train", spec, "--out", path("run")});
  EXPECT_EQ(refused.exit_code, 78);
  EXPECT_THAT(refused.complaint(), HasSubstr("add --resume"));
  EXPECT_EQ(checkpoint_steps(path("run")), before);
}

TEST_F(Resume, AFinishedRunIsNotTrainedAgain) {
  train(spec, "run", {}, {"--set", "steps=3", "--set", "epochs=0"});
  const Ended again =
      run({"train", spec, "--out", path("run"), "--set", "steps=3", "--set", "epochs=0"});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("is finished"));
  EXPECT_THAT(again.out, Not(HasSubstr("epoch   1")));
}

}  // namespace
}  // namespace hadal::launcher

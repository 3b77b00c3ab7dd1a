// Trainings of a second, ranks as threads: what happens when their numbers go wrong, and what they
// tell.
#include "experiments/run.h"

#include <chrono>
#include <limits>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/cpu/cpu_backend.h"
#include "dist/data_parallel_group.h"
#include "dist/thread_communicator.h"
#include "experiments/spec/load.h"
#include "experiments/translate.h"

namespace hadal::experiments {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kSpec = R"(
  model { name: "resnet" set: "depth=8" set: "width=4" }
  data {
    name: "generator" set: "train=200" set: "test=32" set: "side=16" validation_images: 40
    preprocess: ["subtract_channel_mean", "divide_channel_std"]
  }
  optimizer { name: "sgd" learning_rate: 0.05 momentum: 0.9 }
  steps: 60 global_batch: 16 logical_shards: 4
  checkpoint { every_steps: 5 every_epochs: 0 every_seconds: 0 keep: 2 }
)";

// Its rate explodes at step 25 and, taken back, again at step 45.
const std::vector<std::string> kExplodes = {
    "schedule.kind=steps",     "schedule.at_step=25,45",          "schedule.factors=1e18,1e36",
    "on_not_finite.rewinds=3", "on_not_finite.rate_factor=1e-18", "on_not_finite.every_steps=10"};

/// What the root told.
class Heard final : public RunListener {
 public:
  void on_times(const TimesReport& report) override { times.push_back(report); }
  void on_rewind(const Rewind& rewind) override { rewinds.push_back(rewind); }
  void on_event(const std::string& what, std::int64_t, const std::string& detail) override {
    if (what == "straggler") stragglers.push_back(detail);
    if (what == "warning") warnings.push_back(detail);
  }
  std::vector<TimesReport> times;
  std::vector<Rewind> rewinds;
  std::vector<std::string> stragglers, warnings;
};

/// Does something to one rank after a step, or before its batches.
class Meddler final : public ReplicaProbe {
 public:
  std::function<void(std::int64_t step, const TensorGroups& state)> after_step;
  std::function<void(const data::Batch&)> before_batch;
  void on_batch(const data::Batch& batch) override {
    if (before_batch) before_batch(batch);
  }
  void on_state(std::int64_t step, const TensorGroups& state) override {
    if (after_step) after_step(step, state);
  }
};

class Run : public testing::Test {
 protected:
  /// Trains on threads; `meddler` is on rank `meddled`. Goes on where the folder says.
  RunSummary train(const std::vector<std::string>& set, int ranks, const std::string& folder,
                   Meddler* meddler = nullptr, int meddled = 0, std::int64_t drain_after = -1) {
    const spec::ExperimentSpec spec = spec::experiment_from_text(kSpec, "spec", set, complete);
    RunSummary summary;
    dist::run_ranks(ranks, [&](dist::Communicator& comm) {
      dist::DataParallelGroup group(comm, {.logical_shards = spec.logical_shards()});
      CpuBackend backend;
      RunOptions options;
      options.folder = root.path() / folder;
      if (comm.rank() == meddled) options.probe = meddler;
      RunListener nobody;
      std::int64_t asked = 0;
      const RunSummary mine = run_training(
          spec, group, backend, [&] { return asked++ == drain_after; },
          comm.rank() == 0 ? static_cast<RunListener&>(heard) : nobody, options);
      if (comm.rank() == 0) summary = mine;
    });
    return summary;
  }

  std::string error_of(const std::function<void()>& act, ExitCode code) {
    try {
      act();
    } catch (const Error& error) {
      EXPECT_EQ(error.exit_code(), code) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "nothing was thrown";
    return "";
  }

  std::vector<std::string> checkpoints(const std::string& folder) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(root.path() / folder / "checkpoints"))
      names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }

  TemporaryFolder root;
  Heard heard;
};

TEST_F(Run, GoesBackFromWhatIsNotFiniteAtALowerRate) {
  const RunSummary summary = train(kExplodes, 1, "a");
  EXPECT_EQ(summary.steps, 60);
  ASSERT_EQ(summary.rewinds.size(), 2u);
  EXPECT_EQ(summary.rewinds[0].to, 20);
  EXPECT_EQ(summary.rewinds[1].to, 40);
  EXPECT_EQ(summary.rewinds[0].rate_factor, 1e-18);
  EXPECT_THAT(summary.rewinds[0].reason, AllOf(HasSubstr("at step 2"), HasSubstr("first in")));
  EXPECT_EQ(heard.rewinds, summary.rewinds);
  EXPECT_TRUE(heard.warnings.empty());
}

TEST_F(Run, GoesBackAlikeOnAnyNumberOfRanksAndAfterAnyInterruption) {
  const RunSummary whole = train(kExplodes, 1, "whole");
  for (const int ranks : {2, 4}) {
    const RunSummary together = train(kExplodes, ranks, std::to_string(ranks));
    EXPECT_EQ(together.weights_hash, whole.weights_hash);
    EXPECT_EQ(together.rewinds, whole.rewinds);
  }
  RunSummary pieces;
  for (const std::int64_t after : {22, 4, 5, 21, 100})
    pieces = train(kExplodes, after % 2 == 0 ? 2 : 1, "pieces", nullptr, 0, after);
  EXPECT_FALSE(pieces.drained);
  EXPECT_EQ(pieces.weights_hash, whole.weights_hash);
  EXPECT_EQ(pieces.rewinds, whole.rewinds);
  EXPECT_EQ(pieces.last.test_error, whole.last.test_error);
  EXPECT_EQ(pieces.best_validation->test_error, whole.best_validation->test_error);
}

TEST_F(Run, WhatGoesWrongAgainAndAgainStopsInTheEnd) {
  std::vector<std::string> hopeless = kExplodes;
  hopeless.emplace_back("on_not_finite.rate_factor=0.9");
  const std::string error = error_of([&] { train(hopeless, 2, "a"); }, ExitCode::kNotFinite);
  EXPECT_THAT(error, HasSubstr("after 3 rewinds, the learning rate at 0.729 of the spec's"));
  EXPECT_EQ(heard.rewinds.size(), 3u);
}

TEST_F(Run, ANaNInAPictureIsFoundInThatPicture) {
  for (const int ranks : {1, 4}) {
    Meddler meddler;
    meddler.before_batch = [](const data::Batch& batch) {
      if (batch.step != 7 || batch.epoch != 0 || batch.shard != 2) return;
      batch.images.as<float>()[3] = std::numeric_limits<float>::quiet_NaN();
    };
    const std::string error =
        error_of([&] { train({}, ranks, "a" + std::to_string(ranks), &meddler, ranks / 2); },
                 ExitCode::kNotFinite);
    EXPECT_THAT(error, AllOf(HasSubstr("loss is NaN at step 7: first in image "),
                             HasSubstr("of the training set")));
    EXPECT_THAT(checkpoints("a" + std::to_string(ranks)), ElementsAre("step-000000005"));
  }
}

// Otherwise the wrong state would be the one from which all go on, and all agree.
TEST_F(Run, AStateThatOnlyOneRankHoldsIsNotSaved) {
  for (const char* group : {"weights", "optimizer"}) {
    SCOPED_TRACE(group);
    Meddler meddler;
    meddler.after_step = [&](std::int64_t step, const TensorGroups& state) {
      if (step != 7) return;
      for (const auto& [name, view] : state.at(group))
        if (view.bytes() > 64) return void(static_cast<unsigned char*>(view.data)[5] ^= 1);
    };
    const std::string error = error_of(
        [&] { train({"checks.replicas_every_steps=1000"}, 4, group, &meddler, /*meddled=*/0); },
        ExitCode::kReplicasDiffer);
    EXPECT_THAT(error, AllOf(HasSubstr("after step 10, the bits of "), HasSubstr("on rank 0 (")));
    EXPECT_THAT(checkpoints(group), ElementsAre("step-000000005"));
  }
}

TEST_F(Run, TheRankThatKeepsTheOthersWaitingIsNamed) {
  Meddler slow;
  slow.before_batch = [](const data::Batch& batch) {
    if (batch.shard == 2) std::this_thread::sleep_for(std::chrono::milliseconds(60));
  };
  train({"checks.times_every_steps=25"}, 2, "a", &slow, /*meddled=*/1);
  ASSERT_EQ(heard.times.size(), 2u);
  EXPECT_EQ(heard.times[1].step, 50);
  EXPECT_EQ(heard.times[1].steps, 25);
  ASSERT_EQ(heard.times[0].hosts.size(), 1u);
  const auto& phases = heard.times[0].hosts[0].phases;
  EXPECT_GT(phases[static_cast<std::size_t>(StepPhase::kData)].max, 0.06);
  EXPECT_GT(phases[static_cast<std::size_t>(StepPhase::kForward)].min, 0);
  ASSERT_EQ(heard.stragglers.size(), 1u) << "told once";
  EXPECT_THAT(heard.stragglers[0],
              AllOf(HasSubstr("(rank 1) is "), HasSubstr("over 25 steps: data takes ")));
}

}  // namespace
}  // namespace hadal::experiments

// Sweeps whose runs a strategy chooses, with a launcher that is killed at any moment.
#include <fstream>
#include <memory>
#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/files.h"
#include "core/base/random.h"
#include "core/base/strings.h"
#include "launcher/sweep_runner.h"
#include "tests/launcher/fake_scheduler.h"

namespace hadal::launcher {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

struct Killed {};

/// Time that ends for the launcher at `end`, in the middle of whatever it does next.
class MortalClock final : public Clock {
 public:
  explicit MortalClock(double end = 1e9) : end_(end) {}
  double now_s() const override { return now_; }
  void sleep(double seconds) override {
    now_ += seconds;
    if (now_ >= end_) throw Killed();
  }

 private:
  double now_ = 0, end_;
};

/// Trains from where the run is to the end or to --stop-after-epoch, one line per epoch in
/// `trained`, as `hadal train --resume` would. The error falls from 50 % to a number that `error`
/// gives for the folder.
void train(const Job& job, int epochs, double error) {
  int stop = epochs;
  for (std::size_t i = 0; i + 1 < job.command.size(); ++i)
    if (job.command[i] == "--stop-after-epoch") stop = std::stoi(job.command[i + 1]);
  const fs::path file = job.folder / "trained";
  const std::string before = fs::exists(file) ? read_file(file) : "";
  int epoch = static_cast<int>(std::count(before.begin(), before.end(), '\n'));
  MetricsWriter metrics(job.folder);
  for (; epoch < stop; ++epoch) {
    metrics.epoch({.epoch = epoch + 1, .validation_error = error + 40.0 / (epoch + 1)});
    std::ofstream(file, std::ios::app) << epoch + 1 << "\n";
  }
  RunResult result;
  result.status = stop < epochs ? RunStatus::kPaused : RunStatus::kFinished;
  result.epochs = epoch;
  write_result(job.folder, result);
}

double error_of_run(int number) { return (number * 37) % 11; }

int number_of(const Job& job) {
  return std::stoi(job.folder.filename().string().substr(3));  // net7-…
}

class Strategies : public testing::Test {
 protected:
  static constexpr int kEpochs = 9;

  static PlannedRun planned(int i) {
    return {.name = fmt::format("net{}", i),
            .seed = 1,
            .hash = fmt::format("{:016x}", i + 1),
            .spec_text = "# a net\n",
            .epochs = kEpochs,
            .validated_every = 1};
  }

  static SweepPlan asha(int runs) {
    SweepPlan plan;
    plan.name = "asha";
    plan.strategy = "asha";
    for (int i = 0; i < runs; ++i) plan.runs.push_back(planned(i));
    return plan;
  }

  /// One launcher's life on the folder; false when it was killed.
  bool live(const fs::path& path, const SweepPlan& plan, double end = 1e9,
            SweepRunnerOptions options = {}, int slots = 1) {
    MortalClock clock(end);
    FakeScheduler scheduler(clock, slots);
    scheduler.trains = [](const Job& job) { train(job, kEpochs, error_of_run(number_of(job))); };
    std::ostringstream shown;
    ProgressView view(shown, 0);
    try {
      SweepFolder folder(path);
      SweepRunner runner(
          plan, folder, scheduler, clock, view, [] { return 0; }, options);
      summary = runner.run();
      said = shown.str();
      return true;
    } catch (const Killed&) {
      return false;
    }
  }

  /// Epochs trained, run by run; each epoch only once.
  std::vector<int> trained(const fs::path& path, int runs) {
    std::vector<int> epochs;
    for (int i = 0; i < runs; ++i) {
      const fs::path file = path / (planned(i).name + "-" + planned(i).hash) / "trained";
      const std::string text = fs::exists(file) ? read_file(file) : "";
      std::string expected;
      const auto lines = std::count(text.begin(), text.end(), '\n');
      for (int epoch = 1; epoch <= lines; ++epoch) expected += fmt::format("{}\n", epoch);
      EXPECT_EQ(text, expected) << "run " << i << " trained an epoch twice";
      epochs.push_back(static_cast<int>(lines));
    }
    return epochs;
  }

  /// What was decided, in its order.
  std::vector<std::string> decisions(const fs::path& path) {
    std::vector<std::string> decisions;
    for (const JournalLine& line : read_journal(path)) {
      if (line.what == "granted") decisions.push_back(line.run + " " + line.detail);
      if (line.what == "drawn") decisions.push_back(fmt::format("{} {}", *line.draw, line.detail));
    }
    return decisions;
  }

  TemporaryFolder root;
  SweepSummary summary;
  std::string said;
};

TEST_F(Strategies, AshaTrainsTheBestToTheEndAndStopsTheOthersEarly) {
  ASSERT_TRUE(live(root.path() / "s", asha(9)));
  EXPECT_EQ(summary.finished, 1);
  EXPECT_EQ(summary.stopped_early, 8);
  EXPECT_EQ(summary.failed + summary.unfinished, 0);
  // Errors 0 4 8 1 5 9 2 6 10: of the first three net0, of the six net0 and net3, of all net6 too.
  EXPECT_THAT(trained(root.path() / "s", 9), ElementsAre(9, 1, 1, 3, 1, 1, 3, 1, 1));
  EXPECT_THAT(said, HasSubstr("granted   net0  to epoch 3 of 9: validation error 40.00 % at epoch "
                              "1 is number 1 of 3"));
  EXPECT_TRUE(read_sweep(root.path() / "s").over);
}

TEST_F(Strategies, AshaKilledAtAnyMomentTakesTheSameDecisions) {
  const fs::path whole = root.path() / "whole";
  ASSERT_TRUE(live(whole, asha(9)));
  const auto expected = decisions(whole);
  ASSERT_EQ(expected.size(), 13u) << "nine begin, three go on to epoch 3, one to the end";
  // An attempt takes a second of the fake's time; a launcher lives 0.05 s to 1.85 s.
  for (int round = 0; round < 10; ++round) {
    const fs::path path = root.path() / fmt::format("killed{}", round);
    int lives = 1;
    const auto span = [&] {
      return 0.05 + 1.8 * random::uniform_open({.seed = 5,
                                                .purpose = random::Purpose::kTest,
                                                .a = static_cast<std::uint64_t>(round)},
                                               static_cast<std::uint64_t>(lives));
    };
    while (lives < 200 && !live(path, asha(9), span())) ++lives;
    EXPECT_GT(lives, 5);
    EXPECT_EQ(decisions(path), expected) << "round " << round;
    EXPECT_EQ(trained(path, 9), trained(whole, 9)) << "round " << round;
  }
}

TEST_F(Strategies, AshaOnFourSlotsLosesNothingEither) {
  for (int round = 0; round < 10; ++round) {
    const fs::path path = root.path() / fmt::format("killed{}", round);
    for (int life = 1;
         life < 200 && !live(path, asha(27), 0.35 + 0.11 * round + 0.02 * life, {}, 4);)
      ++life;
    const std::vector<int> epochs = trained(path, 27);
    EXPECT_EQ(summary.finished, std::count(epochs.begin(), epochs.end(), kEpochs));
    EXPECT_GE(summary.finished, 1);
    EXPECT_EQ(summary.finished + summary.stopped_early, 27);
    for (const int count : epochs) EXPECT_THAT(count, testing::AnyOf(1, 3, 9));
  }
}

TEST_F(Strategies, AnAshaSweepGoesOnToTheEndWhenAllOfItIsWanted) {
  SweepPlan plan = asha(4);
  ASSERT_TRUE(live(root.path() / "s", plan));
  plan.strategy = "all";
  ASSERT_TRUE(live(root.path() / "s", plan));
  EXPECT_EQ(summary.finished, 4);
  EXPECT_THAT(trained(root.path() / "s", 4), ElementsAre(9, 9, 9, 9));
}

// Sixteen draws of one number; the error is lowest at draw coordinates of 0.3.
class Search : public Strategies {
 protected:
  static Candidate candidate(std::uint64_t draw) {
    return {draw,
            {random::uniform_open({.seed = 9, .purpose = random::Purpose::kTest, .a = draw})}};
  }

  static SweepPlan plan_with(const std::vector<JournalLine>& journal) {
    SweepPlan plan;
    plan.name = "search";
    plan.strategy = "search";
    plan.strategy_options = {{"first", "4"}, {"candidates", "50"}, {"parallel", "2"}};
    plan.samples = 12;
    plan.space = "one number";
    std::vector<std::uint64_t> draws = {0, 1, 2, 3};
    for (const std::uint64_t draw : replay(journal, plan.space).draws) draws.push_back(draw);
    for (const std::uint64_t draw : draws) {
      PlannedRun run = planned(static_cast<int>(draw));
      run.draw = draw;
      run.coordinates = candidate(draw).coordinates;
      plan.runs.push_back(run);
    }
    return plan;
  }

  static SweepRunnerOptions options() {
    return {.candidates =
                [](std::uint64_t first, std::uint64_t count) {
                  std::vector<Candidate> candidates;
                  for (std::uint64_t i = 0; i < count; ++i)
                    candidates.push_back(candidate(first + i));
                  return candidates;
                },
            .replan = plan_with};
  }

  bool search(const fs::path& path, double end = 1e9) {
    MortalClock clock(end);
    FakeScheduler scheduler(clock, 1);
    scheduler.trains = [](const Job& job) {
      const double x = candidate(static_cast<std::uint64_t>(number_of(job))).coordinates[0];
      train(job, kEpochs, 100 * (x - 0.3) * (x - 0.3));
    };
    std::ostringstream shown;
    ProgressView view(shown, 0);
    try {
      SweepFolder folder(path);
      SweepRunner runner(
          plan_with(read_journal(path)), folder, scheduler, clock, view, [] { return 0; },
          options());
      summary = runner.run();
      return true;
    } catch (const Killed&) {
      return false;
    }
  }
};

TEST_F(Search, DrawsAtRandomFirstAndThenWhereItIsPromising) {
  ASSERT_TRUE(search(root.path() / "s"));
  EXPECT_EQ(summary.finished, 12);
  const SweepRecord sweep = read_sweep(root.path() / "s");
  ASSERT_EQ(sweep.runs.size(), 12u) << "the plan in the folder has what was drawn later";
  double nearest_first = 1, nearest = 1;
  for (std::size_t i = 0; i < 12; ++i) {
    const auto draw = static_cast<std::uint64_t>(std::stoi(sweep.runs[i].planned.name.substr(3)));
    const double distance = std::abs(candidate(draw).coordinates[0] - 0.3);
    nearest = std::min(nearest, distance);
    if (i < 4) nearest_first = std::min(nearest_first, distance);
  }
  EXPECT_LT(nearest, 0.02);
  EXPECT_LT(nearest, nearest_first);
}

TEST_F(Search, KilledAtAnyMomentDrawsTheSame) {
  const fs::path whole = root.path() / "whole";
  ASSERT_TRUE(search(whole));
  const auto expected = decisions(whole);
  ASSERT_EQ(expected.size(), 8u);
  for (int round = 0; round < 3; ++round) {
    const fs::path path = root.path() / fmt::format("killed{}", round);
    for (int life = 1; life < 200 && !search(path, 0.3 + 0.37 * round + 0.09 * life);) ++life;
    EXPECT_EQ(decisions(path), expected);
    EXPECT_EQ(summary.finished, 12);
  }
}

TEST_F(Search, WhatWasDrawnFromOtherAxesDoesNotCount) {
  const std::vector<JournalLine> journal = {{.what = "drawn", .draw = 7, .space = "other"},
                                            {.what = "drawn", .draw = 8, .space = "one number"}};
  EXPECT_THAT(replay(journal, "one number").draws, ElementsAre(8));
}

}  // namespace
}  // namespace hadal::launcher

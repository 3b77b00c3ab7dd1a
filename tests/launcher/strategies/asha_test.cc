#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "launcher/strategies/registry.h"

namespace hadal::launcher {
namespace {

using State = Standing::State;
using testing::ElementsAre;
using testing::HasSubstr;

SweepPlan plan_of(int runs, int epochs = 9) {
  SweepPlan plan;
  plan.strategy = "asha";
  for (int i = 0; i < runs; ++i)
    plan.runs.push_back(
        {.name = "run" + std::to_string(i), .epochs = epochs, .validated_every = 1});
  return plan;
}

// Trains run i to validation error errors[i], one run at a time, until nothing is left to do; how
// far each came.
std::vector<int> trained(const SweepPlan& plan, const std::vector<double>& errors) {
  const auto strategy = make_strategy(plan);
  std::vector<Standing> standing(errors.size());
  while (const auto decision = strategy->next(plan.runs, standing)) {
    Standing& run = standing.at(decision->run.value());
    EXPECT_GT(decision->epochs, run.granted);
    run.granted = decision->epochs;
    const int epochs = std::min(run.granted, plan.runs[0].epochs);
    for (int epoch = 1; epoch <= epochs; ++epoch)
      run.validation_error[epoch] = errors[*decision->run];
    run.state = run.granted == kToTheEnd ? State::kFinished : State::kPaused;
  }
  std::vector<int> epochs;
  for (const Standing& run : standing) epochs.push_back(std::min(run.granted, plan.runs[0].epochs));
  return epochs;
}

TEST(Asha, OfNineTheBestThirdGoesOnAndOfThoseTheBest) {
  EXPECT_THAT(trained(plan_of(9), {10, 20, 30, 40, 50, 60, 70, 80, 90}),
              ElementsAre(9, 3, 3, 1, 1, 1, 1, 1, 1));
}

TEST(Asha, WhenEachIsBetterThanAllBeforeNothingIsSaved) {
  EXPECT_THAT(trained(plan_of(9), {90, 80, 70, 60, 50, 40, 30, 20, 10}),
              ElementsAre(1, 1, 3, 3, 9, 9, 9, 9, 9))
      << "the price of not waiting for a rung to fill";
}

TEST(Asha, HigherRungsComeFirst) {
  const SweepPlan plan = plan_of(6);
  std::vector<Standing> standing(6);
  for (int i = 0; i < 3; ++i)
    standing[static_cast<std::size_t>(i)] = {
        .state = State::kPaused, .granted = 3, .validation_error = {{1, 10.0 + i}, {3, 5.0 - i}}};
  standing[3] = {.state = State::kPaused, .granted = 1, .validation_error = {{1, 1}}};
  const auto decision = make_strategy(plan)->next(plan.runs, standing);
  EXPECT_EQ(decision->run, 2u) << "the best at epoch 3, not at epoch 1";
  EXPECT_EQ(decision->epochs, kToTheEnd);
  EXPECT_THAT(decision->why, HasSubstr("validation error 3.00 % at epoch 3 is number 1 of 3"));
}

TEST(Asha, WhatStillTrainsDoesNotCountAndNothingWaitsForIt) {
  const SweepPlan plan = plan_of(3);
  std::vector<Standing> standing(3);
  for (int i = 0; i < 2; ++i)
    standing[static_cast<std::size_t>(i)] = {
        .state = State::kPaused, .granted = 1, .validation_error = {{1, 20.0}}};
  standing[2] = {.state = State::kUnderWay, .granted = 1, .validation_error = {}};
  EXPECT_FALSE(make_strategy(plan)->next(plan.runs, standing));
  standing[2] = {.state = State::kPaused, .granted = 1, .validation_error = {{1, 30.0}}};
  EXPECT_EQ(make_strategy(plan)->next(plan.runs, standing)->run, 0u) << "of equals the earlier one";
}

TEST(Asha, DivergedRunsCountAsTheWorstAndOtherFailuresDoNot) {
  const SweepPlan plan = plan_of(3);
  std::vector<Standing> standing(3);
  standing[0] = {.state = State::kPaused, .granted = 1, .validation_error = {{1, 20.0}}};
  for (const std::size_t i : {1, 2})
    standing[i] = {.state = State::kFailed, .granted = 1, .validation_error = {}};
  EXPECT_FALSE(make_strategy(plan)->next(plan.runs, standing));
  for (const std::size_t i : {1, 2}) standing[i].diverged = true;
  EXPECT_EQ(make_strategy(plan)->next(plan.runs, standing)->run, 0u);
}

std::string error_of(const SweepPlan& plan) {
  try {
    make_strategy(plan);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

TEST(StrategyRegistry, RefusesSweepsThatItCannotDecideAbout) {
  SweepPlan plan = plan_of(3);
  plan.runs[1].validated_every = 0;
  EXPECT_THAT(error_of(plan), HasSubstr("run run1: holds out no validation images"));
  plan = plan_of(3);
  plan.runs[1].validated_every = 2;
  EXPECT_THAT(error_of(plan), HasSubstr("pauses at epoch 1, but is validated every 2 epochs"));
  plan = plan_of(3);
  plan.seeds = 2;
  EXPECT_THAT(error_of(plan), HasSubstr("give one seed"));
  plan = plan_of(3);
  plan.runs[2].epochs = 4;
  EXPECT_THAT(error_of(plan), HasSubstr("4 epochs, others have 9"));
  EXPECT_THAT(error_of(plan_of(3, 1)), HasSubstr("first=1 leaves nothing to choose in 1 epochs"));
  plan = plan_of(3);
  plan.strategy_options = {{"ets", "3"}};
  EXPECT_EQ(error_of(plan),
            "strategy asha: unknown option 'ets'; did you mean 'eta'? known options: eta, first");
  plan.strategy_options = {{"eta", "1"}};
  EXPECT_EQ(error_of(plan), "strategy asha: eta: found 1, wanted at least 2");
  plan.strategy = "ashe";
  EXPECT_EQ(error_of(plan),
            "unknown strategy 'ashe'; did you mean 'asha'? known: all, asha, search");
  plan.strategy = "search";
  EXPECT_THAT(error_of(plan), HasSubstr("random axes"));
}

}  // namespace
}  // namespace hadal::launcher

// The protocols of the papers, as they print them.
#include "core/optim/schedule.h"

#include <cmath>

#include <gtest/gtest.h>

#include "core/base/error.h"

namespace hadal {
namespace {

constexpr std::int64_t kStepsPerEpoch = 391;  // 50,000 images, batch 128

Progress at_epoch(double epoch, double epochs, std::int64_t steps_per_epoch = kStepsPerEpoch) {
  return {.step = static_cast<std::int64_t>(epoch * static_cast<double>(steps_per_epoch)),
          .steps_per_epoch = steps_per_epoch,
          .total_steps = static_cast<std::int64_t>(epochs * static_cast<double>(steps_per_epoch))};
}

Progress at_step(std::int64_t step, std::int64_t total) {
  return {.step = step, .steps_per_epoch = kStepsPerEpoch, .total_steps = total};
}

TEST(Schedule, ResNetDropsAtIterations32kAnd48kOf64k) {
  // He et al. 2015, 4.2.
  const LearningRate rate(0.1, {.kind = "steps", .at_step = {32000, 48000}});
  EXPECT_DOUBLE_EQ(rate.at(at_step(31999, 64000)), 0.1);
  EXPECT_DOUBLE_EQ(rate.at(at_step(32000, 64000)), 0.01);
  EXPECT_DOUBLE_EQ(rate.at(at_step(47999, 64000)), 0.01);
  EXPECT_DOUBLE_EQ(rate.at(at_step(48000, 64000)), 0.001);
}

TEST(Schedule, StochasticDepthDropsAtHalfAndThreeQuartersOf500Epochs) {
  // Huang et al. 2016, section 4: epochs 250 and 375, which are these fractions.
  const Schedule by_epoch({.kind = "steps", .at_epoch = {250, 375}});
  const Schedule by_fraction({.kind = "steps", .at_fraction = {0.5, 0.75}});
  for (const double epoch : {0.0, 249.9, 250.0, 374.9, 375.0, 499.9})
    EXPECT_EQ(by_epoch.factor(at_epoch(epoch, 500)), by_fraction.factor(at_epoch(epoch, 500)));
  EXPECT_EQ(by_epoch.factor(at_epoch(250, 500)), 0.1);
  // The step before.
  Progress before = at_epoch(250, 500);
  before.step -= 1;
  EXPECT_EQ(by_epoch.factor(before), 1);
}

TEST(Schedule, StepsMayNameTheFactorAfterEachBoundary) {
  // LeCun et al. 1998: rates 5e-4 (2 passes), 2e-4 (3), 1e-4 (3), 5e-5 (4), 1e-5 (the rest of 20).
  const LearningRate rate(
      5e-4, {.kind = "steps", .at_epoch = {2, 5, 8, 12}, .factors = {0.4, 0.2, 0.1, 0.02}});
  const std::vector<std::pair<double, double>> wanted = {
      {0, 5e-4}, {1.9, 5e-4}, {2, 2e-4}, {5, 1e-4}, {8, 5e-5}, {12, 1e-5}, {19.9, 1e-5}};
  for (const auto& [epoch, value] : wanted) EXPECT_DOUBLE_EQ(rate.at(at_epoch(epoch, 20)), value);
}

TEST(Schedule, FractalNetDropsWheneverTheRemainingEpochsHalve) {
  // Larsson et al. 2017, 4.1: 400 epochs; 20 on SVHN.
  const LearningRate rate(0.02, {.kind = "halving"});
  std::vector<int> drops;
  for (int epoch = 1; epoch < 400; ++epoch)
    if (rate.at(at_epoch(epoch, 400, 500)) < 0.5 * rate.at(at_epoch(epoch - 1, 400, 500)))
      drops.push_back(epoch);
  // At 200, 300, 350, 375, 387.5, 393.75, 396.875, 398.4375: first whole epochs behind them.
  EXPECT_EQ(drops, (std::vector<int>{200, 300, 350, 375, 388, 394, 397, 399}));
  EXPECT_NEAR(rate.at(at_epoch(374.99, 400, 500)), 2e-5, 1e-19);
  EXPECT_NEAR(rate.at(at_epoch(375, 400, 500)), 2e-6, 1e-20);

  const LearningRate four_drops(0.02, {.kind = "halving", .shortest_epochs = 25});
  EXPECT_NEAR(four_drops.at(at_epoch(399.9, 400, 500)), 2e-6, 1e-20);
  EXPECT_NEAR(rate.at(at_epoch(15, 20)), 2e-4, 1e-18);
}

TEST(Schedule, CaffesLeNetDecaysByTheInverse) {
  // BVLC examples/mnist: 0.01 (1 + 1e-4 it)^-0.75.
  const LearningRate rate(0.01, {.kind = "inverse", .power = 0.75, .gamma = 1e-4});
  EXPECT_DOUBLE_EQ(rate.at(at_step(0, 10000)), 0.01);
  EXPECT_DOUBLE_EQ(rate.at(at_step(10000, 10000)), 0.01 * std::pow(2, -0.75));
}

TEST(Schedule, CaffesQuickGoogleNetFollowsARoot) {
  // base 0.01, (1 - it/max)^0.5, 2.4 M iterations.
  const LearningRate rate(0.01, {.kind = "polynomial", .power = 0.5});
  EXPECT_DOUBLE_EQ(rate.at(at_step(0, 2400000)), 0.01);
  EXPECT_DOUBLE_EQ(rate.at(at_step(1800000, 2400000)), 0.005);
  EXPECT_DOUBLE_EQ(rate.at(at_step(2400000, 2400000)), 0);
}

TEST(Schedule, KerasDividesByOnePlusDecayTimesUpdates) {
  // The Keras CIFAR net: RMSprop 1e-4, decay 1e-6.
  const LearningRate rate(1e-4, {.kind = "time_decay", .gamma = 1e-6});
  EXPECT_DOUBLE_EQ(rate.at(at_step(0, 78150)), 1e-4);
  EXPECT_DOUBLE_EQ(rate.at(at_step(50000, 78150)), 1e-4 / 1.05);
}

TEST(Schedule, ExponentialFallsPerEpochOrPerSteps) {
  // Graham 2014: 0.003 exp(-0.005 epoch).
  const LearningRate smooth(0.003,
                            {.kind = "exponential", .gamma = std::exp(-0.005), .every_epochs = 1});
  EXPECT_NEAR(smooth.at(at_epoch(100, 810)), 0.003 * std::exp(-0.5), 1e-16);
  EXPECT_EQ(smooth.at(at_epoch(100.5, 810)), smooth.at(at_epoch(100, 810)));
  // fb.resnet.torch on ImageNet: divided by 10 every 30 epochs.
  const Schedule imagenet({.kind = "exponential", .gamma = 0.1, .every_steps = 30 * 5004});
  EXPECT_NEAR(imagenet.factor({.step = 60 * 5004, .total_steps = 90 * 5004}), 0.01, 1e-17);
}

TEST(Schedule, CosineGoesFromOneToItsFinalValue) {
  const Schedule cosine({.kind = "cosine", .final = 0.1});
  EXPECT_DOUBLE_EQ(cosine.factor(at_step(0, 1000)), 1);
  EXPECT_DOUBLE_EQ(cosine.factor(at_step(500, 1000)), 0.55);
  EXPECT_DOUBLE_EQ(cosine.factor(at_step(1000, 1000)), 0.1);
}

TEST(Schedule, OneCycleRisesStraightAndFallsByACosine) {
  const Schedule cycle({.kind = "one_cycle", .final = 0.001, .initial = 0.04, .up_fraction = 0.25});
  EXPECT_DOUBLE_EQ(cycle.factor(at_step(0, 1000)), 0.04);
  EXPECT_DOUBLE_EQ(cycle.factor(at_step(125, 1000)), 0.52);
  EXPECT_DOUBLE_EQ(cycle.factor(at_step(250, 1000)), 1);
  EXPECT_DOUBLE_EQ(cycle.factor(at_step(625, 1000)), 0.5005);
  EXPECT_NEAR(cycle.factor(at_step(1000, 1000)), 0.001, 1e-15);
}

TEST(WarmUp, PreActivationNetsStartAtATenthFor400Iterations) {
  // He et al. 2016, appendix.
  const LearningRate rate(0.1, {.kind = "steps", .at_step = {32000, 48000}},
                          {.steps = 400, .learning_rate = 0.01});
  EXPECT_DOUBLE_EQ(rate.at(at_step(0, 64000)), 0.01);
  EXPECT_DOUBLE_EQ(rate.at(at_step(399, 64000)), 0.01);
  EXPECT_DOUBLE_EQ(rate.at(at_step(400, 64000)), 0.1);
  EXPECT_DOUBLE_EQ(rate.at(at_step(32000, 64000)), 0.01);
}

TEST(WarmUp, CountsEpochs) {
  // Huang et al. 2016, the 1202-layer net: 0.01 for 10 epochs, then 0.1, drops at 150 and 225 of
  // 300.
  const LearningRate rate(0.1, {.kind = "steps", .at_epoch = {150, 225}},
                          {.epochs = 10, .learning_rate = 0.01});
  EXPECT_DOUBLE_EQ(rate.at(at_epoch(9.99, 300)), 0.01);
  EXPECT_DOUBLE_EQ(rate.at(at_epoch(10, 300)), 0.1);
  EXPECT_DOUBLE_EQ(rate.at(at_epoch(150, 300)), 0.01);
}

TEST(WarmUp, RisesStraightToTheSchedule) {
  const LearningRate rate(0.4, {}, {.steps = 4});
  for (const auto& [step, wanted] :
       std::vector<std::pair<int, double>>{{0, 0.1}, {1, 0.2}, {2, 0.3}, {3, 0.4}, {4, 0.4}})
    EXPECT_DOUBLE_EQ(rate.at(at_step(step, 100)), wanted);
}

TEST(WarmUp, ResNet110WaitsUntilTheTrainingErrorIsBelow80Percent) {
  // He et al. 2015, 4.2: 0.01 until the training error is below 80 %, then 0.1.
  LearningRate rate(0.1, {}, {.until_training_error = 80, .learning_rate = 0.01});
  const auto train = [&](int steps, double error) {
    for (int step = 0; step < steps; ++step) rate.observe_training_error(error);
    return rate.at(at_step(5000, 64000));
  };
  EXPECT_DOUBLE_EQ(train(300, 88), 0.01);
  EXPECT_DOUBLE_EQ(train(1, 10), 0.01);  // one lucky batch is not the training error
  EXPECT_DOUBLE_EQ(train(49, 85), 0.01);
  EXPECT_DOUBLE_EQ(train(49, 79), 0.01);
  EXPECT_DOUBLE_EQ(train(1, 79), 0.1);
  EXPECT_DOUBLE_EQ(train(50, 95), 0.1);  // it does not come back
}

TEST(WarmUp, IsResumedFromItsState) {
  const WarmUpOptions options{
      .until_training_error = 80, .error_window = 10, .learning_rate = 0.01};
  LearningRate straight(0.1, {}, options), resumed(0.1, {}, options);
  for (int step = 0; step < 7; ++step) straight.observe_training_error(70);
  copy_converted(straight.state()[0].second, resumed.state()[0].second);
  for (int step = 0; step < 3; ++step) resumed.observe_training_error(70);
  EXPECT_DOUBLE_EQ(straight.at(at_step(7, 1000)), 0.01);
  EXPECT_DOUBLE_EQ(resumed.at(at_step(10, 1000)), 0.1);
}

void expect_refused(const ScheduleOptions& options, const std::string& message) {
  try {
    Schedule schedule(options);
    FAIL() << "accepted, wanted: " << message;
  } catch (const ConfigError& error) {
    EXPECT_EQ(std::string(error.what()).substr(0, message.size()), message);
  }
}

TEST(Schedule, RefusesWhatHasNoMeaning) {
  expect_refused({.kind = "cosin"}, "unknown schedule 'cosin'; did you mean 'cosine'?");
  expect_refused({.kind = "steps"},
                 "schedule steps: 0 of at_epoch, at_step and at_fraction are given, wanted one");
  expect_refused({.kind = "steps", .at_epoch = {2}, .at_fraction = {0.5}},
                 "schedule steps: 2 of at_epoch, at_step and at_fraction are given, wanted one");
  expect_refused({.kind = "steps", .at_epoch = {20, 10}},
                 "schedule steps: boundaries do not ascend");
  expect_refused({.kind = "steps", .at_epoch = {1, 2}, .factors = {0.5}},
                 "schedule steps: 1 factors for 2 boundaries, wanted as many");
  expect_refused({.kind = "exponential"}, "schedule exponential: gamma is 0, wanted more than 0");
}

TEST(WarmUp, RefusesOneWithoutAnEnd) {
  EXPECT_THROW(LearningRate(0.1, {}, {.learning_rate = 0.01}), ConfigError);
  EXPECT_THROW(LearningRate(0.1, {}, {.until_training_error = 80}), ConfigError);
  EXPECT_THROW(LearningRate(-1, {}), ConfigError);
}

}  // namespace
}  // namespace hadal

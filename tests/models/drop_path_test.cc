#include "models/drop_path.h"

#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>

namespace hadal::models {
namespace {

constexpr int kSteps = 20000;

// One block of three columns: columns 1 and 2 meet half way, all three at the end.
const std::vector<DropPath::Join> kBlock = {{{Gate{0}, 1}, {Gate{1}, 2}},
                                            {{Gate{2}, 0}, {Gate{3}, 1}, {Gate{4}, 2}}};

int open_inputs(const DropPath::Join& join, const GateMask& mask) {
  return static_cast<int>(std::ranges::count_if(
      join, [&](const DropPath::Input& input) { return mask[input.gate.id] != 0; }));
}

// Five standard deviations of a frequency over kSteps steps.
double tolerance(double p) { return 5 * std::sqrt(p * (1 - p) / kSteps); }

TEST(DropPath, LocalSamplingLeavesEveryJoinAnInput) {
  const DropPath sampler(kBlock, 3, 0.9, 0);
  for (int step = 0; step < kSteps; ++step)
    for (const DropPath::Join& join : kBlock)
      ASSERT_GE(open_inputs(join, sampler.sample(1, step)), 1) << step;
}

TEST(DropPath, LocalSamplingDropsEachInputWithItsProbability) {
  const DropPath sampler(kBlock, 3, 0.15, 0);
  std::vector<int> open(5);
  for (int step = 0; step < kSteps; ++step) {
    const GateMask mask = sampler.sample(1, step);
    for (int gate = 0; gate < 5; ++gate) open[gate] += mask[gate];
  }
  for (int gate = 0; gate < 5; ++gate) {
    const int inputs = gate < 2 ? 2 : 3;
    // Present, or revived after all were dropped.
    const double p = 0.85 + std::pow(0.15, inputs) / inputs;
    EXPECT_NEAR(open[gate] / double{kSteps}, p, tolerance(p)) << gate;
  }
}

TEST(DropPath, RevivesEachInputEquallyOften) {
  const DropPath sampler(kBlock, 3, 1.0, 0);
  std::vector<int> revived(5);
  for (int step = 0; step < kSteps; ++step) {
    const GateMask mask = sampler.sample(1, step);
    for (const DropPath::Join& join : kBlock) ASSERT_EQ(open_inputs(join, mask), 1);
    for (int gate = 0; gate < 5; ++gate) revived[gate] += mask[gate];
  }
  for (int gate = 0; gate < 5; ++gate) {
    const double p = gate < 2 ? 1.0 / 2 : 1.0 / 3;
    EXPECT_NEAR(revived[gate] / double{kSteps}, p, tolerance(p)) << gate;
  }
}

TEST(DropPath, GlobalSamplingLeavesOneColumnAndNothingElse) {
  const DropPath sampler(kBlock, 3, 0.15, 1);
  std::vector<int> chosen(3);
  for (int step = 0; step < kSteps; ++step) {
    const int column = sampler.global_column(1, step);
    ++chosen[column];
    const GateMask mask = sampler.sample(1, step);
    for (const DropPath::Join& join : kBlock)
      for (const DropPath::Input& input : join)
        ASSERT_EQ(mask[input.gate.id] != 0, input.column == column);
  }
  for (const int times : chosen) EXPECT_NEAR(times / double{kSteps}, 1.0 / 3, tolerance(1.0 / 3));
}

TEST(DropPath, MixesGlobalAndLocalStepsByTheirShare) {
  const DropPath sampler(kBlock, 3, 0.15, 0.5);
  int global = 0;
  for (int step = 0; step < kSteps; ++step) global += sampler.global_column(1, step) >= 0;
  EXPECT_NEAR(global / double{kSteps}, 0.5, tolerance(0.5));
}

TEST(DropPath, DrawsAreAFunctionOfSeedAndStep) {
  const DropPath one(kBlock, 3, 0.5, 0.5), other(kBlock, 3, 0.5, 0.5);
  int changed = 0;
  for (int step = 0; step < 100; ++step) {
    EXPECT_EQ(one.sample(1, step), other.sample(1, step));
    changed += one.sample(1, step) != one.sample(2, step);
  }
  EXPECT_GT(changed, 50);
}

}  // namespace
}  // namespace hadal::models

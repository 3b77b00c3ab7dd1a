#include "models/stochastic_depth.h"

#include <cmath>
#include <numeric>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "core/base/error.h"

namespace hadal::models {
namespace {

constexpr int kSteps = 20000;

Options options(const std::string& survival, const std::string& decay,
                const std::string& gate = "batch") {
  const std::vector<std::string> settings = {"survival=" + survival, "decay=" + decay,
                                             "gate=" + gate};
  return Options("net", StochasticDepth::options(), settings);
}

Graph graph_with_gates(int blocks, const std::string& survival, const std::string& decay) {
  Graph g;
  StochasticDepth depth(options(survival, decay), blocks);
  Value x = g.input("x", {1, 4});
  for (int l = 1; l <= blocks; ++l) x = depth.add(g, fmt::format("block{}.", l), x, x);
  return g;
}

TEST(StochasticDepth, SurvivalDecaysLinearlyToTheLastBlock) {
  EXPECT_DOUBLE_EQ(survival_probability(1, 54, 0.5, SurvivalDecay::kLinear), 1 - 0.5 / 54);
  EXPECT_DOUBLE_EQ(survival_probability(27, 54, 0.5, SurvivalDecay::kLinear), 0.75);
  EXPECT_DOUBLE_EQ(survival_probability(54, 54, 0.5, SurvivalDecay::kLinear), 0.5);
  EXPECT_DOUBLE_EQ(survival_probability(1, 54, 0.5, SurvivalDecay::kUniform), 0.5);
}

TEST(StochasticDepth, ConstantDepthHasNoGates) {
  const Graph g = graph_with_gates(54, "1", "linear");
  EXPECT_TRUE(g.gates().empty());
  EXPECT_EQ(StochasticDepth::sampler(g), nullptr);
}

TEST(StochasticDepth, EveryBlockSurvivesWithItsProbability) {
  const Graph g = graph_with_gates(54, "0.5", "linear");
  const auto sampler = StochasticDepth::sampler(g);
  std::vector<int> survived(54);
  for (int step = 0; step < kSteps; ++step) {
    const GateMask mask = sampler->sample(7, step);
    for (int l = 0; l < 54; ++l) survived[l] += mask[l];
  }
  for (int l = 0; l < 54; ++l) {
    const double p = g.gates()[l].survival_probability;
    EXPECT_DOUBLE_EQ(p, 1 - 0.5 * (l + 1) / 54);
    // Five standard deviations of a binomial frequency.
    EXPECT_NEAR(survived[l] / double{kSteps}, p, 5 * std::sqrt(p * (1 - p) / kSteps)) << l;
  }
}

TEST(StochasticDepth, KeepsThreeQuartersOfTheBlocksOnAverage) {
  const auto sampler = StochasticDepth::sampler(graph_with_gates(54, "0.5", "linear"));
  double active = 0;
  for (int step = 0; step < kSteps; ++step) {
    const GateMask mask = sampler->sample(7, step);
    active += std::accumulate(mask.begin(), mask.end(), 0);
  }
  // Huang et al. 2016, section 3: (3L - 1) / 4 for p_L = 0.5. The number of active blocks has a
  // standard deviation below sqrt(54) / 2; five of its mean.
  EXPECT_NEAR(active / kSteps, (3 * 54 - 1) / 4.0, 5 * std::sqrt(54.0) / 2 / std::sqrt(kSteps));
}

TEST(StochasticDepth, PerSampleDropsTheBranchInsteadOfGatingTheEdge) {
  Graph g;
  StochasticDepth depth(options("0.5", "linear", "sample"), 2);
  const Value x = g.input("x", {1, 4}), y = g.input("y", {1, 4});
  depth.add(g, "one.", x, y);
  depth.add(g, "two.", x, y);
  EXPECT_TRUE(g.gates().empty());
  EXPECT_EQ(StochasticDepth::sampler(g), nullptr);
  EXPECT_EQ(g.node(g.find("one.drop")).layer->describe(), "0.25, per sample");
  EXPECT_EQ(g.node(g.find("two.drop")).layer->describe(), "0.5, per sample");
  EXPECT_EQ(g.node(g.find("two.add")).inputs[1].from, g.find("two.drop"));
  EXPECT_THROW(StochasticDepth(options("0", "linear", "sample"), 2), ConfigError);
}

TEST(StochasticDepth, DrawsOneBlockIndependentlyOfTheNext) {
  const auto sampler = StochasticDepth::sampler(graph_with_gates(2, "0.5", "uniform"));
  int both = 0;
  for (int step = 0; step < kSteps; ++step) {
    const GateMask mask = sampler->sample(7, step);
    both += mask[0] && mask[1];
  }
  EXPECT_NEAR(both / double{kSteps}, 0.25, 5 * std::sqrt(0.25 * 0.75 / kSteps));
}

TEST(StochasticDepth, DrawsAreAFunctionOfSeedAndStep) {
  const auto one = StochasticDepth::sampler(graph_with_gates(54, "0.5", "linear"));
  const auto other = StochasticDepth::sampler(graph_with_gates(54, "0.5", "linear"));
  EXPECT_EQ(one->sample(3, 11), other->sample(3, 11));
  EXPECT_NE(one->sample(3, 11), one->sample(3, 12));
  EXPECT_NE(one->sample(3, 11), one->sample(4, 11));
}

}  // namespace
}  // namespace hadal::models

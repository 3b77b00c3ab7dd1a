#include <algorithm>
#include <map>
#include <set>

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "tests/models/model_facts.h"

namespace hadal::models {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> names(const Model& model) {
  std::vector<std::string> names;
  const Parameters parameters(model.graph);
  for (const auto& entry : parameters.entries()) names.push_back(entry.name);
  for (const auto& entry : parameters.running_entries()) names.push_back(entry.name);
  return names;
}

// Biases included: every convolution of a block but the first of each column sees `width` maps.
std::int64_t arithmetic_count(int columns, const std::vector<int>& widths) {
  std::int64_t total = 0, in = 3;
  for (const std::int64_t width : widths) {
    for (int column = 1; column <= columns; ++column)
      total += (9 * in * width + width) + ((1 << (column - 1)) - 1) * (9 * width * width + width);
    in = width;
  }
  return total + in * 10 + 10;
}

struct FractalCase {
  int columns;
  double mega_parameters, mega_macs;
};

class FractalNetOfColumns : public ::testing::TestWithParam<FractalCase> {};

TEST_P(FractalNetOfColumns, HasTheKnownCounts) {
  const int columns = GetParam().columns;
  const Counts counts = count(net("fractalnet", {"columns=" + std::to_string(columns)}));
  EXPECT_EQ(counts.trainable, arithmetic_count(columns, {64, 128, 256, 512, 512}));
  EXPECT_EQ(counts.trainable, counts.weights);  // BN has no scale and shift
  EXPECT_NEAR(counts.trainable / 1e6, GetParam().mega_parameters, 0.05);
  if (GetParam().mega_macs > 0) {
    EXPECT_NEAR(counts.macs / 1e6, GetParam().mega_macs, 0.5);
  }
  EXPECT_EQ(counts.depth, 5 * (1 << (columns - 1)) + 1);  // and FC
  EXPECT_EQ(counts.weight_layers, 5 * ((1 << columns) - 1) + 1);
}

INSTANTIATE_TEST_SUITE_P(Cifar, FractalNetOfColumns,
                         ::testing::Values(FractalCase{1, 3.9, 0}, FractalCase{2, 13.3, 0},
                                           FractalCase{3, 33.7, 845}, FractalCase{4, 76.1, 2036}));

TEST(FractalNet, OfTheDepthStudyHasTheKnownCounts) {
  const std::map<int, double> mega_parameters = {{1, 0.3}, {2, 0.8},  {3, 2.1},
                                                 {4, 4.8}, {5, 10.2}, {6, 21.1}};
  for (const auto& [columns, expected] : mega_parameters) {
    const Counts counts =
        count(net("fractalnet", {"columns=" + std::to_string(columns), "widths=16,32,64,128,128"},
                  {.classes = 100}));
    EXPECT_NEAR(counts.trainable / 1e6, expected, 0.06) << columns;
    EXPECT_EQ(counts.depth, 5 * (1 << (columns - 1)) + 1);
  }
}

TEST(FractalNet, JoinsAllColumnsThatMeetInOneFlatMean) {
  const Model model = net("fractalnet", {"columns=4"});
  std::vector<std::size_t> inputs;
  for (const Graph::Node& node : model.graph.nodes())
    if (node.name.starts_with("block1.") && node.layer && node.layer->type() == "mean_join")
      inputs.push_back(node.inputs.size());
  EXPECT_THAT(inputs, ElementsAre(2, 3, 2, 4));
}

TEST(FractalNet, HalvesTheImageWithEveryBlock) {
  for (const std::string join : {"join=pool_then_join", "join=join_then_pool"}) {
    const Model model = net("fractalnet", {join});
    const Graph& g = model.graph;
    const bool pools_last = join == "join=join_then_pool";
    const std::string last = pools_last ? ".pool" : ".join4";
    EXPECT_EQ(g.shape(g.find("block1" + last)), (Shape{1, 16, 16, 64})) << join;
    EXPECT_EQ(g.shape(g.find("block5" + last)), (Shape{1, 1, 1, 512})) << join;
    EXPECT_EQ(g.shape(g.find("block1.join4")).h(), pools_last ? 32 : 16);
  }
}

TEST(FractalNet, HasAGateOnEveryInputOfEveryJoin) {
  const Model model = net("fractalnet");
  std::set<int> ids;
  for (const Graph::Node& node : model.graph.nodes())
    for (const Graph::Edge& edge : node.inputs) {
      const bool is_join = node.layer->type() == "mean_join";
      ASSERT_EQ(edge.gate.has_value(), is_join) << node.name;
      if (is_join) ids.insert(edge.gate->id);
    }
  EXPECT_EQ(ids.size(), 25u);
  EXPECT_EQ(model.graph.gates().size(), 25u);
  EXPECT_EQ(model.gates->sample(1, 0).size(), 25u);
}

// The nodes that are needed when `mask` holds, going back from the loss.
std::set<int> needed(const Model& model, const GateMask& mask) {
  std::set<int> nodes;
  std::vector<int> open = {model.loss.node};
  while (!open.empty()) {
    const int node = open.back();
    open.pop_back();
    if (!nodes.insert(node).second) continue;
    for (const Graph::Edge& edge : model.graph.nodes()[node].inputs)
      if (!edge.gate || mask[edge.gate->id]) open.push_back(edge.from.node);
  }
  return nodes;
}

TEST(FractalNet, InEveryStepHasAPathAndNoNeededJoinWithoutInput) {
  const Model model = net("fractalnet", {"columns=4", "drop_path=0.7"});
  for (int step = 0; step < 200; ++step) {
    const GateMask mask = model.gates->sample(1, step);
    const std::set<int> nodes = needed(model, mask);
    ASSERT_TRUE(nodes.contains(model.image.node));
    for (const int node : nodes) {
      const auto& inputs = model.graph.nodes()[node].inputs;
      if (inputs.empty() || !inputs[0].gate) continue;
      ASSERT_TRUE(std::ranges::any_of(
          inputs, [&](const Graph::Edge& edge) { return mask[edge.gate->id] != 0; }));
    }
  }
}

TEST(FractalNet, OfAGlobalStepIsOneColumn) {
  const Model model = net("fractalnet", {"drop_path=0.15", "global=1"});
  std::set<std::size_t> layers;
  for (int step = 0; step < 50; ++step) {
    std::set<std::string> columns;
    std::size_t convolutions = 0;
    for (const int node : needed(model, model.gates->sample(1, step))) {
      const std::string& name = model.graph.nodes()[node].name;
      if (!name.ends_with(".conv")) continue;
      ++convolutions;
      columns.insert(name.substr(name.find('.') + 1, std::string("column1").size()));
    }
    EXPECT_EQ(columns.size(), 1u);
    layers.insert(convolutions);
  }
  EXPECT_EQ(layers, (std::set<std::size_t>{5, 10, 20}));
}

TEST(FractalNet, WithoutDropPathHasNoGates) {
  const Model model = net("fractalnet", {"drop_path=0"});
  EXPECT_TRUE(model.graph.gates().empty());
  EXPECT_EQ(model.gates, nullptr);
}

TEST(FractalNet, ItsDeepestColumnTakesTheWeightsOfTheWholeNet) {
  const Model whole = net("fractalnet"), deepest = net("fractalnet", {"deepest=true"});
  const std::vector<std::string> all = names(whole);
  const std::set<std::string> known(all.begin(), all.end());
  const Parameters of_whole(whole.graph), of_deepest(deepest.graph);
  for (const std::string& name : names(deepest)) EXPECT_TRUE(known.contains(name)) << name;
  for (const auto& entry : of_deepest.entries())
    EXPECT_EQ(entry.shape, of_whole.find(entry.name).shape);
  const Counts counts = count(deepest);
  EXPECT_NEAR(counts.trainable / 1e6, 20.4, 0.05);
  EXPECT_NEAR(counts.macs / 1e6, 549, 0.5);
  EXPECT_EQ(counts.depth, 21);
  EXPECT_TRUE(deepest.graph.gates().empty());
}

TEST(FractalNet, WantsADropoutRateForEachBlock) {
  EXPECT_THROW(net("fractalnet", {"widths=16,32", "dropout=0,0.1,0.2"}), ConfigError);
  EXPECT_NO_THROW(net("fractalnet", {"widths=16,32", "dropout=0.1"}));
}

TEST(FractalNet, BiasesLearnTwiceAsFastAndDoNotDecay) {
  const Model model = net("fractalnet");
  const Parameters parameters(model.graph);
  const auto& bias = parameters.find("block1.column3.layer4.conv.bias").spec;
  EXPECT_EQ(bias.rate_multiplier, 2);
  EXPECT_EQ(bias.decay_multiplier, 0);
  const auto& weight = parameters.find("block1.column3.layer4.conv.weight").spec;
  EXPECT_EQ(weight.rate_multiplier, 1);
  EXPECT_EQ(weight.decay_multiplier, 1);
}

}  // namespace
}  // namespace hadal::models

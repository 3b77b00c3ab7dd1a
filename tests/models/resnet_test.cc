// Counts of the residual families: by arithmetic from the papers' tables, equal to what they print.

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "tests/models/model_facts.h"

namespace hadal::models {
namespace {

using ::testing::HasSubstr;

const InputSpec kImageNet = {.height = 224, .width = 224, .channels = 3, .classes = 1000};

std::string setting(const std::string& name, int value) {
  return name + "=" + std::to_string(value);
}

std::string complaint(const std::string& family, const std::vector<std::string>& settings) {
  try {
    net(family, settings);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

struct CifarCase {
  int depth;
  std::int64_t weights, batch_norm;
  double mega_macs;
};

class CifarResNet : public ::testing::TestWithParam<CifarCase> {};

TEST_P(CifarResNet, HasTheKnownCounts) {
  const Counts counts = count(net("resnet", {setting("depth", GetParam().depth)}));
  EXPECT_EQ(counts.weights, GetParam().weights);
  EXPECT_EQ(counts.batch_norm, GetParam().batch_norm);
  EXPECT_EQ(counts.trainable, GetParam().weights + GetParam().batch_norm);
  EXPECT_EQ(counts.weight_layers, GetParam().depth);
  EXPECT_EQ(counts.depth, GetParam().depth);
  // The table gives one decimal; 1202 is rounded to millions.
  EXPECT_NEAR(counts.macs / 1e6, GetParam().mega_macs, GetParam().depth > 1000 ? 0.5 : 0.05);
}

TEST_P(CifarResNet, WithoutShortcutsHasTheSameCounts) {
  const Counts counts = count(net("plain", {setting("depth", GetParam().depth)}));
  EXPECT_EQ(counts.weights, GetParam().weights);
  EXPECT_EQ(counts.batch_norm, GetParam().batch_norm);
  EXPECT_EQ(counts.depth, GetParam().depth);
}

INSTANTIATE_TEST_SUITE_P(HeEtAl2015, CifarResNet,
                         ::testing::Values(CifarCase{20, 268346, 1376, 40.6},
                                           CifarCase{32, 461882, 2272, 68.9},
                                           CifarCase{44, 655418, 3168, 97.2},
                                           CifarCase{56, 848954, 4064, 125.5},
                                           CifarCase{110, 1719866, 8096, 252.9},
                                           CifarCase{1202, 19331642, 89632, 2829}));

TEST(ResNet, HalvesTheImageWhereTheWidthDoubles) {
  const Model model = net("resnet");
  const auto shape = [&](const char* name) { return model.graph.shape(model.graph.find(name)); };
  EXPECT_EQ(shape("relu1"), (Shape{1, 32, 32, 16}));
  EXPECT_EQ(shape("stage1.block3.relu2"), (Shape{1, 32, 32, 16}));
  EXPECT_EQ(shape("stage2.block3.relu2"), (Shape{1, 16, 16, 32}));
  EXPECT_EQ(shape("stage3.block3.relu2"), (Shape{1, 8, 8, 64}));
  EXPECT_EQ(shape("pool"), (Shape{1, 1, 1, 64}));
  EXPECT_EQ(model.graph.shape(model.scores), (Shape{1, 10}));
  EXPECT_EQ(model.graph.shape(model.loss), (Shape{1}));
}

TEST(ResNet, ShortcutsAddTheWeightsOfTheirProjections) {
  const std::int64_t a = count(net("resnet")).weights;
  EXPECT_EQ(count(net("resnet", {"shortcut=A-split"})).weights, a);
  EXPECT_EQ(count(net("resnet", {"shortcut=A-average"})).weights, a);
  const std::int64_t b = 16 * 32 + 32 * 64;
  EXPECT_EQ(count(net("resnet", {"shortcut=B"})).weights, a + b);
  EXPECT_EQ(count(net("resnet", {"shortcut=C"})).weights,
            a + b + 3 * 16 * 16 + 2 * 32 * 32 + 2 * 64 * 64);
}

TEST(ResNet, OfDepth110Has54GatesThatDecayLinearly) {
  const Model model = net("resnet", {"depth=110", "survival=0.5"});
  const auto gates = model.graph.gates();
  ASSERT_EQ(gates.size(), 54u);
  for (std::size_t l = 1; l <= 54; ++l)
    EXPECT_DOUBLE_EQ(gates[l - 1].survival_probability, 1 - 0.5 * l / 54);
  EXPECT_EQ(gates.front().name, "stage1.block1.gate");
  EXPECT_EQ(gates.back().name, "stage3.block18.gate");
  ASSERT_NE(model.gates, nullptr);
  EXPECT_EQ(model.gates->sample(1, 0).size(), 54u);
}

TEST(ResNet, HasAGateOnEveryResidualEdgeAndNowhereElse) {
  const Model model = net("resnet", {"depth=20", "survival=0.5"});
  int gated = 0;
  for (const Graph::Node& node : model.graph.nodes())
    for (std::size_t i = 0; i < node.inputs.size(); ++i)
      if (node.inputs[i].gate) {
        EXPECT_EQ(node.layer->type(), "add");
        EXPECT_EQ(i, 1u);
        EXPECT_EQ(node.inputs[i].gate->id, gated++);
      }
  EXPECT_EQ(gated, 9);
}

TEST(ResNet, OfConstantDepthHasNoGates) {
  const Model model = net("resnet", {"depth=110"});
  EXPECT_TRUE(model.graph.gates().empty());
  EXPECT_EQ(model.gates, nullptr);
}

TEST(ResNet, OfAnotherDepthSaysWhichThereAre) {
  EXPECT_THAT(complaint("resnet", {"depth=21"}),
              HasSubstr("model resnet: depth=21: wanted 6n+2, for example 20 or 26"));
  EXPECT_THAT(complaint("preact_resnet", {"depth=111", "block=bottleneck"}),
              HasSubstr("wanted 9n+2, for example 110 or 119"));
}

struct PreactCase {
  int depth;
  std::int64_t weights, batch_norm;
  double mega_macs;
};

class PreactBottleneck : public ::testing::TestWithParam<PreactCase> {};

TEST_P(PreactBottleneck, HasTheKnownCounts) {
  const Counts counts =
      count(net("preact_resnet", {setting("depth", GetParam().depth), "block=bottleneck"}));
  EXPECT_EQ(counts.weights, GetParam().weights);
  EXPECT_EQ(counts.batch_norm, GetParam().batch_norm);
  EXPECT_EQ(counts.weight_layers, GetParam().depth);
  EXPECT_NEAR(counts.macs / 1e6, GetParam().mega_macs, GetParam().depth > 1000 ? 0.5 : 0.05);
}

INSTANTIATE_TEST_SUITE_P(HeEtAl2016, PreactBottleneck,
                         ::testing::Values(PreactCase{164, 1679034, 24224, 244.5},
                                           PreactCase{1001, 10178490, 149216, 1488}));

TEST(PreactResNet, OfBasicBlocksHasTheConvolutionsOfTheOriginal) {
  const Counts counts = count(net("preact_resnet", {"depth=110"}));
  EXPECT_EQ(counts.weights, 1719866);
  EXPECT_EQ(counts.depth, 110);
}

TEST(PreactResNet, HasAGateForEachOfItsUnits) {
  const Model model =
      net("preact_resnet", {"depth=164", "block=bottleneck", "survival=0.8", "decay=uniform"});
  ASSERT_EQ(model.graph.gates().size(), 54u);
  for (const Graph::GateInfo& gate : model.graph.gates())
    EXPECT_DOUBLE_EQ(gate.survival_probability, 0.8);
}

struct ImageNetCase {
  int depth;
  std::int64_t weights;
  double giga_macs;
  int blocks;
};

class ImageNetResNet : public ::testing::TestWithParam<ImageNetCase> {};

TEST_P(ImageNetResNet, HasTheKnownCounts) {
  const Model model =
      net("imagenet_resnet", {setting("depth", GetParam().depth), "survival=0.5"}, kImageNet);
  const Counts counts = count(model);
  EXPECT_EQ(counts.weights, GetParam().weights);
  EXPECT_EQ(counts.weight_layers, GetParam().depth);
  EXPECT_NEAR(counts.macs / 1e9, GetParam().giga_macs, 0.005);
  EXPECT_EQ(std::ssize(model.graph.gates()), GetParam().blocks);
}

INSTANTIATE_TEST_SUITE_P(HeEtAl2015, ImageNetResNet,
                         ::testing::Values(ImageNetCase{18, 11679912, 1.81, 8},
                                           ImageNetCase{34, 21780648, 3.66, 16},
                                           ImageNetCase{50, 25503912, 3.86, 16},
                                           ImageNetCase{101, 44443816, 7.57, 33},
                                           ImageNetCase{152, 60041384, 11.28, 50}));

TEST(ImageNetResNet50, WithTheStrideInThe3x3CostsMoreAndWeighsTheSame) {
  const Counts counts = count(net("imagenet_resnet", {"depth=50", "stride_in=3x3"}, kImageNet));
  EXPECT_EQ(counts.weights, 25503912);
  EXPECT_NEAR(counts.macs / 1e9, 4.1, 0.05);
  // 25,557,032 with BN is the count everybody quotes for this net.
  EXPECT_EQ(counts.trainable, 25557032);
}

TEST(ImageNetResNet50, HalvesTheImageFiveTimes) {
  const Model model = net("imagenet_resnet", {"depth=50"}, kImageNet);
  const auto shape = [&](const char* name) { return model.graph.shape(model.graph.find(name)); };
  EXPECT_EQ(shape("conv1"), (Shape{1, 112, 112, 64}));
  EXPECT_EQ(shape("pool1"), (Shape{1, 56, 56, 64}));
  EXPECT_EQ(shape("stage1.block3.relu3"), (Shape{1, 56, 56, 256}));
  EXPECT_EQ(shape("stage4.block3.relu3"), (Shape{1, 7, 7, 2048}));
}

TEST(ImageNetPlain34, HasTheWeightsOfTheResidualNetWithoutProjections) {
  const Counts plain = count(net("imagenet_resnet", {"depth=34", "plain=true"}, kImageNet));
  const Counts padded = count(net("imagenet_resnet", {"depth=34", "shortcut=A"}, kImageNet));
  EXPECT_EQ(plain.weights, padded.weights);
  EXPECT_EQ(plain.depth, 34);
}

TEST(ImageNetPlain, RefusesWhatHasNoMeaningThere) {
  EXPECT_THAT(complaint("imagenet_resnet", {"depth=50", "plain=true"}),
              HasSubstr("plain nets are 18 or 34 layers deep"));
  EXPECT_THAT(complaint("imagenet_resnet", {"depth=34", "plain=true", "survival=0.5"}),
              HasSubstr("cannot skip blocks"));
}

}  // namespace
}  // namespace hadal::models

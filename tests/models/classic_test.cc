// LeNet-5, VGG, and the lecture's small nets: counts as printed or by arithmetic from the layers.
#include <gmock/gmock.h>

#include "core/base/error.h"
#include "tests/models/model_facts.h"

namespace hadal::models {
namespace {

const InputSpec kMnist = {.height = 28, .width = 28, .channels = 1, .classes = 10};
const InputSpec kPadded = {.height = 32, .width = 32, .channels = 1, .classes = 10};
const InputSpec kImageNet = {.height = 224, .width = 224, .channels = 3, .classes = 1000};

TEST(LeNet5, As1998Has60000TrainableParameters) {
  EXPECT_EQ(count(net("lenet5", {"variant=1998"}, kPadded)).trainable, 60000);
  EXPECT_EQ(count(net("lenet5", {"variant=1998"}, kMnist)).trainable, 60000);
}

TEST(LeNet5, As1998HasThePapersLayers) {
  const Model model = net("lenet5", {"variant=1998"}, kMnist);
  const Graph& g = model.graph;
  const auto shape = [&](const char* name) { return g.shape(g.find(name)); };
  EXPECT_EQ(shape("c1"), (Shape{1, 28, 28, 6}));
  EXPECT_EQ(shape("s2"), (Shape{1, 14, 14, 6}));
  EXPECT_EQ(shape("c3"), (Shape{1, 10, 10, 16}));
  EXPECT_EQ(shape("s4"), (Shape{1, 5, 5, 16}));
  EXPECT_EQ(shape("c5"), (Shape{1, 1, 1, 120}));
  EXPECT_EQ(shape("f6"), (Shape{1, 84}));
  EXPECT_EQ(g.shape(model.scores), (Shape{1, 10}));
  const Parameters parameters(g);
  std::int64_t c3 = 0;
  for (const Parameters::Entry& entry : parameters.entries())
    if (entry.name.starts_with("c3.")) c3 += entry.elements;
  EXPECT_EQ(c3, 1516);
}

TEST(LeNet5, InItsOtherFormsHasTheKnownCounts) {
  EXPECT_EQ(count(net("lenet5", {}, kMnist)).trainable, 61706);
  EXPECT_EQ(count(net("lenet5", {}, kPadded)).trainable, 61706);
  EXPECT_NEAR(count(net("lenet5", {}, kMnist)).macs / 1e6, 0.42, 0.005);
  EXPECT_EQ(count(net("lenet5", {"variant=caffe"}, kMnist)).trainable, 431080);
}

TEST(LeNet5, WantsImagesOf28Or32) {
  EXPECT_THROW(net("lenet5", {}, {.height = 30, .width = 30, .channels = 1}), ConfigError);
}

TEST(Basic, Has12MapsThenHalfTheImage) {
  const Model model = net("basic");
  EXPECT_EQ(model.graph.shape(model.graph.find("relu")), (Shape{1, 32, 32, 12}));
  EXPECT_EQ(model.graph.shape(model.graph.find("pool")), (Shape{1, 16, 16, 12}));
  EXPECT_EQ(model.graph.shape(model.scores), (Shape{1, 10}));
  EXPECT_EQ(count(model).trainable, 3 * 9 * 12 + 12 + 16 * 16 * 12 * 10 + 10);
}

TEST(KerasCifar, HasTheKnownCountsAndSizes) {
  const Model model = net("keras_cifar");
  EXPECT_EQ(count(model).trainable, 1250858);
  EXPECT_NEAR(count(model).macs / 1e6, 20.7, 0.05);
  const auto extent = [&](const char* name) {
    return model.graph.shape(model.graph.find(name)).h();
  };
  EXPECT_EQ(extent("conv1"), 32);
  EXPECT_EQ(extent("conv2"), 30);
  EXPECT_EQ(extent("pool1"), 15);
  EXPECT_EQ(extent("conv3"), 15);
  EXPECT_EQ(extent("conv4"), 13);
  EXPECT_EQ(extent("pool2"), 6);
}

TEST(TfMnist, HasTheKnownCounts) {
  const Counts counts = count(net("tf_mnist", {}, kMnist));
  EXPECT_EQ(counts.trainable, 3274634);
  EXPECT_NEAR(counts.macs / 1e6, 13.9, 0.05);
  EXPECT_EQ(count(net("tf_mnist", {"dropout=0.5"}, kMnist)).trainable, 3274634);
}

struct VggCase {
  std::string net;
  int layers;
  std::int64_t parameters;
  double giga_macs;
};

class Vgg : public ::testing::TestWithParam<VggCase> {};

TEST_P(Vgg, HasTheKnownCounts) {
  const Counts counts = count(net("vgg", {"net=" + GetParam().net}, kImageNet));
  EXPECT_EQ(counts.weight_layers, GetParam().layers);
  EXPECT_EQ(counts.trainable, GetParam().parameters);
  EXPECT_NEAR(counts.macs / 1e9, GetParam().giga_macs, 0.005);
}

INSTANTIATE_TEST_SUITE_P(
    Table1, Vgg,
    ::testing::Values(VggCase{"A", 11, 132863336, 7.61}, VggCase{"A-LRN", 11, 132863336, 7.61},
                      VggCase{"B", 13, 133047848, 11.31}, VggCase{"C", 16, 133638952, 11.77},
                      VggCase{"D", 16, 138357544, 15.47}, VggCase{"E", 19, 143667240, 19.63}));

TEST(VggForCifar, Leaves32x32As1x1x512) {
  const Model model = net("vgg", {"net=D", "form=cifar"});
  EXPECT_EQ(model.graph.shape(model.graph.find("pool5")), (Shape{1, 1, 1, 512}));
  const std::int64_t convolutions = 14714688;
  EXPECT_EQ(count(model).trainable, convolutions + 2 * (512 * 512 + 512) + 512 * 10 + 10);
}

TEST(VggForCifar, WantsImagesThatFivePoolingsCanHalve) {
  EXPECT_THROW(net("vgg", {"form=cifar"}, {.height = 28, .width = 28}), ConfigError);
}

}  // namespace
}  // namespace hadal::models

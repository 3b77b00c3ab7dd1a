// Models on the engine: real steps with real gates.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "core/base/random.h"
#include "core/base/strings.h"
#include "core/cpu/cpu_backend.h"
#include "core/executor.h"
#include "core/reference_check.h"
#include "tests/models/model_facts.h"

namespace hadal::models {
namespace {

constexpr std::int64_t kBatch = 3;

Tensor images(const Model& model) {
  Tensor tensor(model.graph.shape(model.image).with_batch(kBatch), DType::kFloat32);
  for (std::size_t i = 0; i < tensor.span<float>().size(); ++i)
    tensor.span<float>()[i] = static_cast<float>(random::normal({1, random::Purpose::kTest}, i));
  return tensor;
}

Tensor labels() {
  Tensor tensor({kBatch}, DType::kInt32);
  for (int n = 0; n < kBatch; ++n) tensor.as<std::int32_t>()[n] = 3 * n % 10;
  return tensor;
}

/// A model with its parameters, compiled for training, or for inference.
struct Trained {
  Trained(Model built, bool training) : model(std::move(built)), parameters(model.graph) {
    parameters.initialize(1);
    PlanOptions options;
    options.batch = kBatch;
    options.training = training;
    options.outputs = {model.scores, model.loss};
    if (training) options.seeds = {model.loss};
    executor = std::make_unique<Executor>(Plan::compile(model.graph, parameters, backend, options),
                                          parameters);
  }

  void forward(const GateMask& gates, std::uint64_t step = 0) {
    const Feed feeds[] = {{model.image, x.view()}, {model.labels, t.view()}};
    executor->forward(feeds, {.seed = 1, .step = step}, gates);
  }
  void backward() {
    Tensor d_loss({kBatch}, DType::kFloat32);
    std::ranges::fill(d_loss.span<float>(), 1.0F / kBatch);
    const Feed seeds[] = {{model.loss, d_loss.view()}};
    executor->backward(seeds);
  }
  std::vector<float> read(Value value) const {
    const TensorView view = executor->value(value);
    return {view.as<float>(), view.as<float>() + view.shape.elements()};
  }

  Model model;
  Parameters parameters;
  CpuBackend backend;
  Tensor x = images(model), t = labels();
  std::unique_ptr<Executor> executor;
};

struct StepCase {
  std::string family, settings;
  InputSpec input = {.height = 16, .width = 16};
};

std::string name_of(const StepCase& c) {
  std::string name = c.family + "_" + c.settings;
  std::ranges::replace_if(
      name, [](char letter) { return !std::isalnum(letter); }, '_');
  return name;
}

class Step : public ::testing::TestWithParam<StepCase> {};

TEST_P(Step, AgreesWithTheReferenceUnderTheGatesOfItsSampler) {
  const std::vector<std::string> settings =
      GetParam().settings.empty() ? std::vector<std::string>{} : split(GetParam().settings, ' ');
  Trained net(build(GetParam().family, settings, GetParam().input), /*training=*/true);
  ReferenceCheck check;
  net.executor->set_observer(&check);
  for (std::uint64_t step = 0; step < 3; ++step) {
    net.forward(net.model.gates ? net.model.gates->sample(1, step) : GateMask{}, step);
    for (const float loss : net.read(net.model.loss)) EXPECT_TRUE(std::isfinite(loss));
    net.backward();
  }
  for (const auto& finding : check.findings())
    ADD_FAILURE() << fmt::format("{}: {:g} of {:g}", finding.what, finding.difference,
                                 finding.magnitude);
  EXPECT_GT(check.comparisons(), 10);
}

INSTANTIATE_TEST_SUITE_P(
    Small, Step,
    ::testing::Values(
        StepCase{"basic", ""}, StepCase{"fractalnet", "widths=4,8 dropout=0,0.1 drop_path=0.5"},
        StepCase{"fractalnet", "widths=4,8 dropout=0 join=join_then_pool drop_path=0"},
        StepCase{"imagenet_resnet", "depth=18 survival=0.5"}, StepCase{"keras_cifar", ""},
        StepCase{"lenet5", "variant=1998", {.height = 28, .width = 28, .channels = 1}},
        StepCase{"lenet5", "variant=modern", {.height = 28, .width = 28, .channels = 1}},
        StepCase{"plain", "depth=8 width=4"},
        StepCase{"preact_resnet", "depth=11 block=bottleneck width=4 survival=0.5"},
        StepCase{"preact_resnet", "depth=14 width=4"},
        StepCase{"resnet", "depth=14 width=4 survival=0.5 shortcut=A-average"},
        StepCase{"resnet", "depth=14 width=16 shortcut=A-split"},
        StepCase{"resnet", "depth=8 width=4 shortcut=C survival=0.5 gate=sample"}),
    [](const auto& info) { return name_of(info.param); });

TEST(FractalNetStep, ItsDeepestColumnScoresAsTheWholeNetWithThatColumnAlone) {
  const std::vector<std::string> base = {"widths=4,8", "dropout=0.1", "global=1"};
  std::vector<std::string> alone = base;
  alone.push_back("deepest=true");
  Trained whole(build("fractalnet", base, {.height = 16, .width = 16}), /*training=*/false);
  Trained deepest(build("fractalnet", alone, {.height = 16, .width = 16}), /*training=*/false);
  for (const auto& entry : deepest.parameters.entries()) {
    const TensorView from = whole.parameters.value(whole.parameters.find(entry.name));
    std::copy_n(from.as<float>(), entry.elements, deepest.parameters.value(entry).as<float>());
  }
  GateMask mask;
  for (const Graph::GateInfo& gate : whole.model.graph.gates())
    mask.push_back(gate.name.ends_with("column3"));
  whole.forward(mask);
  deepest.forward({});
  EXPECT_EQ(whole.read(whole.model.scores), deepest.read(deepest.model.scores));
}

TEST(FractalNetStep, AGlobalStepCostsItsColumnOnly) {
  const std::vector<std::string> settings = {"widths=16,32", "dropout=0", "global=1"};
  Trained net(build("fractalnet", settings), /*training=*/true);
  std::set<std::int64_t> costs;
  for (std::uint64_t step = 0; step < 30; ++step)
    costs.insert(net.executor->macs(net.model.gates->sample(1, step)));
  // Columns of 1, 2 and 4 convolutions a block.
  ASSERT_EQ(costs.size(), 3u);
  EXPECT_LT(*costs.begin() * 4, *costs.rbegin());
}

TEST(ResNetStep, ADroppedBlockCostsNothing) {
  const std::vector<std::string> settings = {"depth=14", "survival=0.5"};
  Trained net(build("resnet", settings), /*training=*/true);
  const std::int64_t all = net.executor->macs(GateMask(6, 1));
  GateMask without_last(6, 1);
  without_last[5] = 0;
  // A block of the last stage: two 3x3 convolutions of 64 maps at 8x8, forward and twice backward.
  EXPECT_EQ(all - net.executor->macs(without_last), kBatch * 3 * 2 * 9 * 64 * 64 * 64);
}

}  // namespace
}  // namespace hadal::models

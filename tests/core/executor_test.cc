#include "core/executor.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/base/random.h"
#include "core/layers/activation.h"
#include "core/layers/add.h"
#include "core/layers/batch_norm.h"
#include "core/layers/conv2d.h"
#include "core/reference/reference_backend.h"
#include "tests/core/naive_executor.h"
#include "tests/core/random_graph.h"

namespace hadal {
namespace {

constexpr std::int64_t kBatch = 3;

Tensor random_tensor(const Shape& shape, std::uint64_t seed) {
  Tensor tensor(shape, DType::kFloat64);
  for (std::int64_t i = 0; i < shape.elements(); ++i)
    tensor.as<double>()[i] =
        random::normal({seed, random::Purpose::kTest}, static_cast<std::uint64_t>(i));
  return tensor;
}

double largest_difference(const TensorView& a, const TensorView& b) {
  double largest = 0;
  for (std::int64_t i = 0; i < a.shape.elements(); ++i) {
    const double difference = std::abs(a.as<double>()[i] - b.as<double>()[i]);
    largest = std::isfinite(difference) ? std::max(largest, difference) : HUGE_VAL;
  }
  return largest;
}

struct Variant {
  bool reuse, fuse;
  int recompute;
};

class RandomGraphs : public testing::TestWithParam<Variant> {};

TEST_P(RandomGraphs, WithRandomGatesAgreeWithTheNaiveExecutor) {
  const Variant variant = GetParam();
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    const test::RandomGraph net = test::random_graph(seed, 2 + static_cast<int>(seed % 6));
    Parameters ours(net.graph, DType::kFloat64), theirs(net.graph, DType::kFloat64);
    ours.initialize(seed);
    theirs.initialize(seed);
    const Tensor image = random_tensor({kBatch, 6, 6, 4}, seed),
                 d_loss = random_tensor({kBatch}, seed + 1000);
    const Feed inputs[] = {{net.image, image.view()}}, seeds[] = {{net.loss, d_loss.view()}};
    const GateMask gates = test::random_gates(net, seed);

    const test::NaiveResult wanted =
        test::run_naively(net.graph, theirs, kBatch, true, inputs, seeds, gates);

    ReferenceBackend backend;
    PlanOptions options;
    options.batch = kBatch;
    options.outputs = {net.loss};
    options.seeds = {net.loss};
    options.wants_gradient = {net.image};
    options.type = DType::kFloat64;
    options.reuse_memory = variant.reuse;
    options.fuse = variant.fuse;
    options.recompute_every = variant.recompute;
    Executor executor(Plan::compile(net.graph, ours, backend, options), ours,
                      {.poison_dead_memory = true});
    std::vector<int> ready;
    executor.on_gradient_ready([&](int entry) { ready.push_back(entry); });
    executor.forward(inputs, {}, gates);
    // Both sides do the same sums in double; only the order in which gradients meet may differ.
    EXPECT_LT(largest_difference(executor.value(net.loss), wanted.values.at(net.loss.node).view()),
              1e-12);
    executor.backward(seeds);
    EXPECT_LT(largest_difference(ours.gradients(), theirs.gradients()), 1e-9);
    EXPECT_LT(largest_difference(executor.gradient(net.image),
                                 wanted.gradients.at(net.image.node).view()),
              1e-9);
    const auto active = executor.active_statistics(gates);
    for (std::size_t i = 0; i < active.size(); ++i)
      if (active[i]) {
        EXPECT_LT(largest_difference(ours.statistic(ours.running_entries()[i]),
                                     theirs.statistic(theirs.running_entries()[i])),
                  1e-12);
      }
    ASSERT_EQ(ready.size(), ours.entries().size());
    EXPECT_TRUE(std::ranges::is_sorted(ready));
  }
}

INSTANTIATE_TEST_SUITE_P(Plans, RandomGraphs,
                         testing::Values(Variant{false, false, 0}, Variant{true, false, 0},
                                         Variant{true, true, 0}, Variant{true, true, 1},
                                         Variant{true, true, 2}, Variant{false, true, 1}),
                         [](const auto& info) {
                           return fmt::format(
                               "{}_{}_recompute{}", info.param.reuse ? "reuse" : "apart",
                               info.param.fuse ? "fused" : "plain", info.param.recompute);
                         });

TEST(RandomGraphs, InferenceRewritesKeepTheValues) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    const test::RandomGraph net = test::random_graph(seed, 2 + static_cast<int>(seed % 6));
    Parameters parameters(net.graph, DType::kFloat64);
    parameters.initialize(seed);
    for (std::int64_t i = 0; i < parameters.running().shape.elements(); ++i)
      parameters.running().as<double>()[i] =
          0.5 + random::uniform({seed, random::Purpose::kTest}, i);
    const Tensor image = random_tensor({kBatch, 6, 6, 4}, seed);
    const Feed inputs[] = {{net.image, image.view()}};
    ReferenceBackend backend;
    Tensor losses[2];
    for (const bool fuse : {false, true}) {
      PlanOptions options;
      options.batch = kBatch;
      options.training = false;
      options.outputs = {net.loss};
      options.type = DType::kFloat64;
      options.fuse = fuse;
      Executor executor(Plan::compile(net.graph, parameters, backend, options), parameters);
      executor.forward(inputs);
      losses[fuse] = Tensor({kBatch}, DType::kFloat64);
      copy_converted(executor.value(net.loss), losses[fuse].view());
    }
    EXPECT_LT(largest_difference(losses[0].view(), losses[1].view()), 1e-10);
  }
}

TEST(Executor, NeedsLessMemoryWhenSlotsAreReusedAndLessAgainWithRecompute) {
  const test::RandomGraph net = test::random_graph(5, 24);
  Parameters parameters(net.graph, DType::kFloat64);
  ReferenceBackend backend;
  std::vector<std::size_t> bytes;
  for (const auto& [reuse, recompute] : {std::pair{false, 0}, {true, 0}, {true, 3}}) {
    PlanOptions options;
    options.batch = kBatch;
    options.outputs = {net.loss};
    options.seeds = {net.loss};
    options.type = DType::kFloat64;
    options.reuse_memory = reuse;
    options.recompute_every = recompute;
    bytes.push_back(Plan::compile(net.graph, parameters, backend, options)->arena_bytes());
  }
  EXPECT_LT(bytes[1], bytes[0]);
  EXPECT_LT(bytes[2], bytes[1]);
}

class CountSteps final : public StepObserver {
 public:
  void after(const Plan& plan, const Plan::Step& step, const KernelArgs&) override {
    counts[plan.nodes()[step.node].lowered.name] += 1;
  }
  std::map<std::string, int> counts;
};

TEST(Executor, AClosedGateTakesItsBranchOutOfForwardAndBackward) {
  Graph g;
  const Value image = g.input("image", {1, 4, 4, 2});
  const Value branch = conv2d(g, "inner", conv2d(g, "outer", image, {.out = 2}), {.out = 2});
  const Value sum = add(g, "add", image, branch, g.gate("gate", 0.5));
  Parameters parameters(g, DType::kFloat64);
  parameters.initialize(1);
  ReferenceBackend backend;
  PlanOptions options;
  options.batch = kBatch;
  options.outputs = options.seeds = {sum};
  options.type = DType::kFloat64;
  Executor executor(Plan::compile(g, parameters, backend, options), parameters);
  const Tensor x = random_tensor({kBatch, 4, 4, 2}, 1);
  const Feed inputs[] = {{image, x.view()}}, seeds[] = {{sum, x.view()}};
  for (const std::uint8_t open : {1, 0}) {
    CountSteps steps;
    executor.set_observer(&steps);
    executor.forward(inputs, {}, {open});
    executor.backward(seeds);
    EXPECT_EQ(steps.counts["outer"], open * 2);
    EXPECT_EQ(steps.counts["inner"], open * 2);
    EXPECT_EQ(executor.active_entries({open}), std::vector<std::uint8_t>(2, open));
    EXPECT_EQ(executor.macs({open}), open * 3 * kBatch * 2 * (4 * 4 * 9 * 2 * 2));
    if (!open) {
      EXPECT_EQ(largest_difference(executor.value(sum), x.view()), 0);
      EXPECT_EQ(largest_difference(parameters.gradients(),
                                   Tensor(parameters.gradients().shape, DType::kFloat64).view()),
                0);
    }
  }
}

// y = relu(x + x) with gradients by hand.
TEST(Executor, PassesGradientsThroughReluByTheRuleAsked) {
  Graph g;
  const Value image = g.input("image", {1, 1, 1, 4});
  const Value out = relu(g, "relu", add(g, "twice", image, image));
  Parameters parameters(g, DType::kFloat64);
  ReferenceBackend backend;
  Tensor x({1, 1, 1, 4}, DType::kFloat64), d_out({1, 1, 1, 4}, DType::kFloat64);
  const double inputs[] = {1, -1, 1, -1}, gradients[] = {3, 3, -3, -3};
  std::copy_n(inputs, 4, x.as<double>());
  std::copy_n(gradients, 4, d_out.as<double>());
  const std::map<ReluRule, std::vector<double>> wanted = {{ReluRule::kGradient, {6, 0, -6, 0}},
                                                          {ReluRule::kDeconvnet, {6, 6, 0, 0}},
                                                          {ReluRule::kGuided, {6, 0, 0, 0}}};
  for (const auto& [rule, d_image] : wanted) {
    PlanOptions options;
    options.outputs = options.seeds = {out};
    options.wants_gradient = {image};
    options.type = DType::kFloat64;
    options.relu_rule = rule;
    Executor executor(Plan::compile(g, parameters, backend, options), parameters);
    const Feed feeds[] = {{image, x.view()}}, seeds[] = {{out, d_out.view()}};
    executor.forward(feeds);
    executor.backward(seeds);
    const double* got = executor.gradient(image).as<double>();
    EXPECT_EQ(std::vector<double>(got, got + 4), d_image);
  }
}

TEST(Executor, GoesBackFromAnyNodeToAnyNodeAndRunsNothingElse) {
  Graph g;
  const Value image = g.input("image", {1, 6, 6, 2});
  const Value a = conv2d(g, "a", image, {.out = 3}), b = tanh(g, "b", a),
              c = conv2d(g, "c", b, {.out = 2});
  conv2d(g, "never", c, {.out = 1});
  Parameters parameters(g, DType::kFloat64);
  parameters.initialize(3);
  ReferenceBackend backend;
  PlanOptions options;
  options.outputs = options.seeds = {c};
  options.wants_gradient = {a};
  options.wants_parameter_gradients = false;
  options.type = DType::kFloat64;
  Executor executor(Plan::compile(g, parameters, backend, options), parameters);
  CountSteps steps;
  executor.set_observer(&steps);
  const Tensor x = random_tensor({1, 6, 6, 2}, 1), d_c = random_tensor({1, 6, 6, 2}, 2);
  const Feed feeds[] = {{image, x.view()}}, seeds[] = {{c, d_c.view()}};
  executor.forward(feeds);
  executor.backward(seeds);
  EXPECT_EQ(steps.counts, (std::map<std::string, int>{{"a", 1}, {"b", 2}, {"c", 2}}));

  Parameters twin(g, DType::kFloat64);
  twin.initialize(3);
  const test::NaiveResult naive = test::run_naively(g, twin, 1, true, feeds, seeds, {});
  EXPECT_LT(largest_difference(executor.gradient(a), naive.gradients.at(a.node).view()), 1e-12);
}

TEST(Lowering, MakesOneNodeOfNormAddAndRelu) {
  Graph g;
  const Value image = g.input("image", {1, 4, 4, 2});
  const Value norm = batch_norm(g, "norm", conv2d(g, "conv", image, {.out = 2}));
  const Value out = relu(g, "out", add(g, "add", image, norm, g.gate("gate", 0.25)));
  const auto names = [&](const LoweringOptions& options) {
    std::vector<std::string> names;
    for (const LoweredNode& node : lower(g, options)) names.push_back(node.name);
    return names;
  };
  EXPECT_EQ(names({.wanted = {out}}), (std::vector<std::string>{"image", "conv", "out"}));
  EXPECT_EQ(names({.wanted = {out, norm}}),
            (std::vector<std::string>{"image", "conv", "norm", "add", "out"}));
  EXPECT_EQ(names({.fuse = false, .wanted = {out}}).size(), 5u);
  const auto inference = lower(g, {.training = false, .wanted = {out}});
  EXPECT_EQ(dynamic_cast<const BatchNormLayer&>(*inference.back().layer).op().branch_scale, 0.25);
}

TEST(Executor, AFeedThatDoesNotFitIsRefusedByName) {
  const test::RandomGraph net = test::random_graph(1, 2);
  Parameters parameters(net.graph, DType::kFloat64);
  ReferenceBackend backend;
  PlanOptions options;
  options.batch = kBatch;
  options.outputs = {net.loss};
  options.type = DType::kFloat64;
  Executor executor(Plan::compile(net.graph, parameters, backend, options), parameters);
  const Tensor image({kBatch, 5, 6, 4}, DType::kFloat64);
  const Feed inputs[] = {{net.image, image.view()}};
  try {
    executor.forward(inputs);
    FAIL() << "accepted";
  } catch (const ShapeError& error) {
    EXPECT_STREQ(error.what(), "image: fed float64 3x5x6x4, the plan wants float64 3x6x6x4");
  }
}

}  // namespace
}  // namespace hadal

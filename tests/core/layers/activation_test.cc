#include "core/layers/activation.h"

#include <cmath>

#include <gtest/gtest.h>

#include "core/reference/reference_backend.h"
#include "tests/core/layer_check.h"

namespace hadal {
namespace {

using test::LayerCase;

LayerCase activation_case(const std::string& name,
                          std::function<Value(Graph&, std::string, Value)> build) {
  return {.name = name,
          .build = [build = std::move(build)](
                       Graph& g, std::span<const Value> x) { return build(g, "y", x[0]); },
          .in = {{3, 5, 4, 7}},
          .low = -3,
          .high = 3};
}

LayerCase relu_case(ReluRule rule = ReluRule::kGradient) {
  return activation_case("relu", [rule](Graph& g, std::string name, Value x) {
    return g.apply(std::move(name),
                   std::make_shared<ActivationLayer>(ActivationOp{.relu_rule = rule}), {x});
  });
}

TEST(Activation, GradientsAreThoseOfTheFormulas) {
  check_layer(relu_case());
  check_layer(activation_case("leaky_relu", [](Graph& g, std::string name, Value x) {
    return leaky_relu(g, std::move(name), x, 1.0 / 3);
  }));
  check_layer(activation_case(
      "elu", [](Graph& g, std::string name, Value x) { return elu(g, std::move(name), x, 0.7); }));
  check_layer(activation_case(
      "tanh", [](Graph& g, std::string name, Value x) { return tanh(g, std::move(name), x); }));
  check_layer(activation_case("scaled_tanh", [](Graph& g, std::string name, Value x) {
    return scaled_tanh(g, std::move(name), x);
  }));
  check_layer(activation_case("sigmoid", [](Graph& g, std::string name, Value x) {
    return sigmoid(g, std::move(name), x);
  }));
}

TEST(Activation, ValuesAreThoseOfTheFormulas) {
  const auto value = [](const ActivationOp& op, double x) {
    const LayerCase layer_case{.name = "activation",
                               .build =
                                   [op](Graph& g, std::span<const Value> in) {
                                     return g.apply("y", std::make_shared<ActivationLayer>(op),
                                                    {in[0]});
                                   },
                               .in = {{1, 1}}};
    test::LayerValues values = draw_values(layer_case);
    values.in[0][0] = x;
    ReferenceBackend backend;
    return run_layer(backend, layer_case, values).out[0];
  };
  EXPECT_EQ(value({.kind = Activation::kRelu}, -2), 0);
  EXPECT_EQ(value({.kind = Activation::kRelu}, 2), 2);
  EXPECT_EQ(value({.kind = Activation::kLeakyRelu, .alpha = 0.25}, -2), -0.5);
  EXPECT_DOUBLE_EQ(value({.kind = Activation::kElu, .alpha = 2}, -1), 2 * (std::exp(-1) - 1));
  EXPECT_DOUBLE_EQ(value({.kind = Activation::kTanh}, 0.5), std::tanh(0.5));
  // LeCun et al. 1998, appendix A: the constants are chosen so that f(1) = 1 and f(-1) = -1.
  EXPECT_NEAR(value({.kind = Activation::kScaledTanh}, 1), 1, 5e-6);
  EXPECT_DOUBLE_EQ(value({.kind = Activation::kSigmoid}, 2), 1 / (1 + std::exp(-2)));
}

/// d_in and what it came from, for random x and d_out of both signs.
struct BackwardRun {
  std::vector<double> x, d_out, d_in;
};

BackwardRun run_backward(ReluRule rule) {
  const LayerCase layer_case = relu_case(rule);
  const test::LayerValues values = test::draw_values(layer_case);
  ReferenceBackend backend;
  return {values.in[0], values.d_out,
          run_layer(backend, layer_case, values, {.poison = true}).d_in[0]};
}

TEST(ReluRule, DeconvnetKeepsPositiveGradientsWhateverTheInput) {
  const BackwardRun run = run_backward(ReluRule::kDeconvnet);
  for (std::size_t i = 0; i < run.x.size(); ++i)
    EXPECT_EQ(run.d_in[i], std::max(0.0, run.d_out[i]));
}

TEST(ReluRule, GuidedKeepsPositiveGradientsWhereTheInputWasPositive) {
  const BackwardRun run = run_backward(ReluRule::kGuided);
  for (std::size_t i = 0; i < run.x.size(); ++i)
    EXPECT_EQ(run.d_in[i], run.x[i] > 0 ? std::max(0.0, run.d_out[i]) : 0);
}

TEST(ReluRule, ALayerGivesItselfWithAnotherRule) {
  const ActivationLayer relu(ActivationOp{});
  EXPECT_EQ(relu.with_relu_rule(ReluRule::kGuided)->op().relu_rule, ReluRule::kGuided);
  EXPECT_EQ(relu.op().relu_rule, ReluRule::kGradient);
}

TEST(Activation, RefusesANegativeSlope) {
  Graph g;
  const Value x = g.input("x", {1, 4});
  EXPECT_THROW(leaky_relu(g, "y", x, -0.1), ConfigError);
}

}  // namespace
}  // namespace hadal

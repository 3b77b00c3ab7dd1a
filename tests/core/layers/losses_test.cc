#include <cmath>

#include <gtest/gtest.h>

#include "core/layers/mean_squared_error.h"
#include "core/layers/softmax.h"
#include "core/layers/softmax_cross_entropy.h"
#include "core/layers/squared_hinge.h"
#include "core/reference/reference_backend.h"
#include "tests/core/layer_check.h"

namespace hadal {
namespace {

using test::LayerCase;

LayerCase cross_entropy_case(double smoothing) {
  return {.name = "softmax_cross_entropy",
          .build =
              [smoothing](Graph& g, std::span<const Value> x) {
                return softmax_cross_entropy(g, "loss", x[0], x[1], {.label_smoothing = smoothing});
              },
          .in = {{6, 5}, {6}},
          .labels = {1},
          .classes = 5,
          .low = -3,
          .high = 3};
}

LayerCase squared_error_case(bool half_sum) {
  return {.name = "mean_squared_error",
          .build =
              [half_sum](Graph& g, std::span<const Value> x) {
                return mean_squared_error(g, "loss", x[0], x[1], {.half_sum = half_sum});
              },
          .in = {{3, 2, 4, 5}, {3, 2, 4, 5}}};
}

LayerCase hinge_case() {
  return {.name = "squared_hinge",
          .build =
              [](Graph& g, std::span<const Value> x) {
                return squared_hinge(g, "loss", x[0], x[1], {.margin = 1.25});
              },
          .in = {{6, 5}, {6}},
          .labels = {1},
          .classes = 5,
          .low = -2,
          .high = 2};
}

LayerCase softmax_case() {
  return {.name = "softmax",
          .build = [](Graph& g, std::span<const Value> x) { return softmax(g, "p", x[0]); },
          .in = {{4, 7}},
          .low = -3,
          .high = 3};
}

/// Losses and d_in[0] for d_loss = 1 of hand-made scores and labels.
struct LossRun {
  std::vector<double> loss, d_scores;
};

LossRun run(LayerCase layer_case, std::vector<double> scores, std::vector<double> labels) {
  const auto samples = static_cast<std::int64_t>(labels.size());
  layer_case.in = {{samples, static_cast<std::int64_t>(scores.size()) / samples}, {samples}};
  test::LayerValues values = draw_values(layer_case);
  values.in = {std::move(scores), std::move(labels)};
  values.d_out.assign(values.d_out.size(), 1.0);
  ReferenceBackend backend;
  const test::LayerResult result = run_layer(backend, layer_case, values);
  return {result.out, result.d_in[0]};
}

TEST(SoftmaxCrossEntropy, GradientsAreThoseOfTheFormula) {
  check_layer(cross_entropy_case(0));
  check_layer(cross_entropy_case(0.1));
}

TEST(SoftmaxCrossEntropy, OfEqualScoresIsTheLogarithmOfTheClasses) {
  EXPECT_DOUBLE_EQ(run(cross_entropy_case(0), {2, 2, 2, 2}, {1}).loss[0], std::log(4.0));
  EXPECT_DOUBLE_EQ(run(cross_entropy_case(0.1), {2, 2, 2, 2}, {1}).loss[0], std::log(4.0));
}

TEST(SoftmaxCrossEntropy, IsFiniteForLogitsOfAnySize) {
  const LossRun huge = run(cross_entropy_case(0), {1e4, -1e4, 0, 1e30, 0, -1e30}, {1, 0});
  EXPECT_EQ(huge.loss[0], 2e4);
  EXPECT_EQ(huge.loss[1], 0);
  EXPECT_EQ(huge.d_scores, (std::vector<double>{1, -1, 0, 0, 0, 0}));
}

TEST(SoftmaxCrossEntropy, SmoothingMixesTheLabelWithTheUniform) {
  const double s = 0.2;
  const LossRun smooth = run(cross_entropy_case(s), {1, 2, 3}, {2});
  const double normaliser = std::log(std::exp(1) + std::exp(2) + std::exp(3));
  EXPECT_NEAR(smooth.loss[0], (1 - s) * (normaliser - 3) + s * (normaliser - 2), 1e-14);
}

TEST(SoftmaxCrossEntropy, NamesALabelThatIsNoClass) {
  try {
    run(cross_entropy_case(0), {1, 2, 3}, {3});
    FAIL() << "accepted";
  } catch (const DataError& error) {
    EXPECT_STREQ(error.what(), "softmax_cross_entropy: sample 0 has label 3, wanted 0..2");
  }
}

TEST(SoftmaxCrossEntropy, RefusesUnflattenedScoresAndSmoothingOfOne) {
  Graph g;
  const Value scores = g.input("scores", {1, 1, 1, 10}),
              labels = g.input("labels", {1}, DType::kInt32);
  EXPECT_THROW(softmax_cross_entropy(g, "loss", scores, labels), ShapeError);
  const Value flat = g.input("flat", {1, 10});
  EXPECT_THROW(softmax_cross_entropy(g, "loss", flat, labels, {.label_smoothing = 1}), ConfigError);
}

TEST(Softmax, GradientsAreThoseOfTheFormula) { check_layer(softmax_case()); }

TEST(Softmax, SumsToOneForLogitsOfAnySize) {
  const LayerCase layer_case = softmax_case();
  test::LayerValues values = draw_values(layer_case);
  for (double& x : values.in[0]) x *= 1000;
  ReferenceBackend backend;
  const auto y = run_layer(backend, layer_case, values).out;
  for (int n = 0; n < 4; ++n) {
    double sum = 0;
    for (int k = 0; k < 7; ++k) sum += y[n * 7 + k];
    EXPECT_NEAR(sum, 1, 1e-15 * 7);
  }
}

TEST(MeanSquaredError, GradientsAreThoseOfTheFormulas) {
  check_layer(squared_error_case(false));
  check_layer(squared_error_case(true));
}

TEST(MeanSquaredError, IsTheMeanOrHalfTheSumOfASample) {
  for (const bool half_sum : {false, true}) {
    const LayerCase layer_case = squared_error_case(half_sum);
    const auto values = draw_values(layer_case);
    ReferenceBackend backend;
    const auto loss = run_layer(backend, layer_case, values).out;
    for (int n = 0; n < 3; ++n) {
      double sum = 0;
      for (int d = n * 40; d < (n + 1) * 40; ++d)
        sum += std::pow(values.in[0][d] - values.in[1][d], 2);
      EXPECT_NEAR(loss[n], half_sum ? sum / 2 : sum / 40, 1e-13);
    }
  }
}

TEST(SquaredHinge, GradientsAreThoseOfTheFormula) { check_layer(hinge_case()); }

TEST(SquaredHinge, IsZeroBeyondTheMarginAndASquareBeforeIt) {
  const LossRun hinge = run(hinge_case(), {1.25, -1.25, -3, 0.25, -1, 0}, {0, 1});
  EXPECT_EQ(hinge.loss[0], 0);
  // Scores 0.25 (not its class), -1 (its class), 0 (not its class) with margin 1.25.
  EXPECT_DOUBLE_EQ(hinge.loss[1], 1.5 * 1.5 + 2.25 * 2.25 + 1.25 * 1.25);
  EXPECT_DOUBLE_EQ(hinge.d_scores[4], -2 * 2.25);
}

}  // namespace
}  // namespace hadal

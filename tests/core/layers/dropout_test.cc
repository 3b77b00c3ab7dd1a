#include "core/layers/dropout.h"

#include <cmath>

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/reference/reference_backend.h"
#include "tests/core/layer_check.h"

namespace hadal::test {
namespace {

LayerCase dropout_case(const Shape& in, double rate) {
  LayerCase layer_case{.name = "dropout", .in = {in}};
  layer_case.build = [rate](Graph& g, std::span<const Value> x) {
    return dropout(g, "y", x[0], {.rate = rate});
  };
  return layer_case;
}

TEST(Dropout, GradientsMatchCentralDifferences) {
  LayerCase layer_case = dropout_case({3, 2, 2, 5}, 0.4);
  check_layer(layer_case);
  layer_case.training = false;
  check_layer(layer_case);
}

TEST(Dropout, IsTheIdentityAtInference) {
  LayerCase layer_case = dropout_case({3, 7}, 0.4);
  layer_case.training = false;
  const LayerValues values = draw_values(layer_case);
  ReferenceBackend backend;
  EXPECT_EQ(run_layer(backend, layer_case, values).out, values.in[0]);
}

TEST(Dropout, DropsAtItsRateAndKeepsTheMean) {
  const LayerCase layer_case = dropout_case({100, 100}, 0.3);
  LayerValues values = draw_values(layer_case);
  values.in[0].assign(10000, 1.0);
  ReferenceBackend backend;
  double dropped = 0;
  for (const double y : run_layer(backend, layer_case, values).out) {
    EXPECT_TRUE(y == 0 || std::abs(y - 1 / 0.7) < 1e-15) << y;
    dropped += y == 0;
  }
  // Five standard errors of 10,000 draws.
  EXPECT_NEAR(dropped / 10000, 0.3, 5 * std::sqrt(0.3 * 0.7 / 10000));
}

TEST(Dropout, PerSampleDropsASampleWholeAtItsRate) {
  LayerCase layer_case{.name = "dropout", .in = {{3, 2, 2, 5}}};
  layer_case.build = [](Graph& g, std::span<const Value> x) {
    return dropout(g, "y", x[0], {.rate = 0.3, .per_sample = true});
  };
  check_layer(layer_case);

  layer_case.in = {{10000, 3}};
  LayerValues values = draw_values(layer_case);
  values.in[0].assign(30000, 1.0);
  ReferenceBackend backend;
  const auto out = run_layer(backend, layer_case, values).out;
  double dropped = 0;
  for (int n = 0; n < 10000; ++n) {
    EXPECT_EQ(out[3 * n], out[3 * n + 1]);
    EXPECT_EQ(out[3 * n], out[3 * n + 2]);
    dropped += out[3 * n] == 0;
  }
  // Five standard errors of 10,000 draws.
  EXPECT_NEAR(dropped / 10000, 0.3, 5 * std::sqrt(0.3 * 0.7 / 10000));
}

TEST(Dropout, MasksFollowTheSampleNotTheShard) {
  // Samples 2 and 3 alone get what they got as part of a batch of 4.
  Tensor x({4, 6}, DType::kFloat64), whole({4, 6}, DType::kFloat64), part({2, 6}, DType::kFloat64);
  std::fill(x.span<double>().begin(), x.span<double>().end(), 1.0);
  ReferenceBackend backend;
  const auto run = [&](TensorView in, TensorView out, std::int64_t first_sample) {
    KernelContext context;
    context.in = {{nullptr, in.shape, in.type}};
    context.out = {nullptr, out.shape, out.type};
    context.wants_d_in = {false};
    KernelArgs args;
    args.in = {&in, 1};
    args.out = out;
    args.step = {.seed = 1, .step = 9, .first_sample = first_sample};
    backend.prepare(DropoutOp{.rate = 0.5, .layer_id = 4}, context)->forward(args);
  };
  run(x.view(), whole.view(), 0);
  run({x.as<double>() + 12, {2, 6}, DType::kFloat64}, part.view(), 2);
  for (int i = 0; i < 12; ++i) EXPECT_EQ(part.as<double>()[i], whole.as<double>()[12 + i]);
}

TEST(Dropout, RefusesRatesThatKeepNothing) {
  EXPECT_THROW(layer_of(dropout_case({1, 2}, 1.0)), ConfigError);
  EXPECT_THROW(layer_of(dropout_case({1, 2}, -0.1)), ConfigError);
}

}  // namespace
}  // namespace hadal::test

#include <cmath>

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/layers/rbf.h"
#include "core/layers/rbf_codes.h"
#include "core/layers/subsample.h"
#include "core/reference/reference_backend.h"
#include "tests/core/layer_check.h"

namespace hadal::test {
namespace {

LayerCase loss_case(const RbfLossOptions& options) {
  LayerCase layer_case{
      .name = "rbf_loss", .in = {{4, 5}, {4}}, .labels = {1}, .classes = 5, .low = -3, .high = 0};
  layer_case.build = [options](Graph& g, std::span<const Value> x) {
    return rbf_loss(g, "y", x[0], x[1], options);
  };
  return layer_case;
}

TEST(Subsample, GradientsMatchCentralDifferences) {
  LayerCase layer_case{.name = "subsample", .in = {{2, 4, 6, 3}}};
  layer_case.build = [](Graph& g, std::span<const Value> x) { return subsample(g, "y", x[0]); };
  check_layer(layer_case);
  layer_case.in = {{1, 5, 6, 3}};
  EXPECT_THROW(layer_of(layer_case), ShapeError);
}

TEST(Rbf, GradientsMatchCentralDifferences) {
  LayerCase layer_case{.name = "rbf", .in = {{3, 7}}};
  layer_case.build = [](Graph& g, std::span<const Value> x) {
    return rbf(g, "y", x[0], {.classes = 4, .initializer = Initializer::uniform(1)});
  };
  check_layer(layer_case);
}

TEST(Rbf, CodesAreTenDifferentBitmaps) {
  for (int a = 0; a < kRbfDigits; ++a)
    for (int b = 0; b < a; ++b) {
      int different = 0;
      for (int i = 0; i < kRbfElements; ++i) different += rbf_code(a, i) != rbf_code(b, i);
      EXPECT_GE(different, 4) << a << " and " << b;
    }
}

TEST(Rbf, ADigitsOwnCodeScoresZeroAndAllOthersLess) {
  Tensor weight({kRbfDigits, kRbfElements});
  initialize(weight.view(), Initializer::code(), 1, "rbf.weight");
  LayerCase layer_case{.name = "rbf", .in = {{kRbfDigits, kRbfElements}}};
  layer_case.build = [](Graph& g, std::span<const Value> x) { return rbf(g, "y", x[0]); };
  LayerValues values = draw_values(layer_case);
  values.in[0].assign(weight.span<float>().begin(), weight.span<float>().end());
  values.parameters[0] = values.in[0];
  ReferenceBackend backend;
  const std::vector<double> scores = run_layer(backend, layer_case, values).out;
  for (int n = 0; n < kRbfDigits; ++n)
    for (int k = 0; k < kRbfDigits; ++k) {
      if (n == k)
        EXPECT_EQ(scores[n * kRbfDigits + k], 0);
      else
        EXPECT_LE(scores[n * kRbfDigits + k], -16);
    }
  layer_case.in = {{1, 83}};
  EXPECT_THROW(layer_of(layer_case), ShapeError);
}

TEST(RbfLoss, GradientsMatchCentralDifferences) {
  check_layer(loss_case({.discriminative = false}));
  check_layer(loss_case({}));
  check_layer(loss_case({.margin = 0.1}));
}

TEST(RbfLoss, StaysFiniteForFarCodes) {
  const LayerCase layer_case = loss_case({});
  LayerValues values = draw_values(layer_case);
  values.in[0].assign(20, -1e4);  // exp underflows to zero; the margin term remains
  ReferenceBackend backend;
  for (const double loss : run_layer(backend, layer_case, values).out)
    EXPECT_DOUBLE_EQ(loss, 1e4 - 1);
}

}  // namespace
}  // namespace hadal::test

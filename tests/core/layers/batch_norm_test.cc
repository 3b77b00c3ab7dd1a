#include "core/layers/batch_norm.h"

#include <cmath>

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/reference/reference_backend.h"
#include "tests/core/layer_check.h"

namespace hadal::test {
namespace {

LayerCase norm(const Shape& in, const BatchNormOp& op) {
  LayerCase layer_case{.name = "batch_norm " + BatchNormLayer(op).describe(), .in = {in}};
  if (op.add) layer_case.in.push_back(in);
  layer_case.build = [op](Graph& g, std::span<const Value> x) {
    std::vector<Graph::Edge> edges;
    for (const Value value : x) edges.push_back({value, std::nullopt});
    return g.apply("y", fused_batch_norm(op), std::move(edges));
  };
  return layer_case;
}

const BatchNormOp kForms[] = {{},
                              {.affine = false},
                              {.relu = true},
                              {.add = true},
                              {.add = true, .relu = true, .branch_scale = 0.6}};

TEST(BatchNorm, GradientsMatchCentralDifferencesInEveryForm) {
  for (const BatchNormOp& op : kForms) {
    check_layer(norm({3, 2, 3, 4}, op));
    check_layer(norm({5, 3}, op));
  }
}

TEST(BatchNorm, GradientsAtInferenceTreatTheRunningStatisticsAsConstants) {
  for (const BatchNormOp& op : kForms) {
    LayerCase layer_case = norm({3, 2, 3, 4}, op);
    layer_case.training = false;
    check_layer(layer_case);
  }
}

TEST(BatchNorm, AClosedGateLeavesTheShortcutAlone) {
  for (const bool training : {true, false})
    for (const bool relu : {true, false}) {
      LayerCase layer_case = norm({2, 3, 2, 4}, {.add = true, .relu = relu});
      layer_case.training = training;
      layer_case.closed = {0};
      check_layer(layer_case);

      ReferenceBackend backend;
      const LayerValues values = draw_values(layer_case);
      const LayerResult result = run_layer(backend, layer_case, values);
      for (std::size_t i = 0; i < result.out.size(); ++i)
        EXPECT_EQ(result.out[i], relu ? std::max(values.in[1][i], 0.0) : values.in[1][i]);
      for (const auto& untouched : result.statistics)
        for (const double value : untouched) EXPECT_TRUE(std::isnan(value));
    }
}

TEST(BatchNorm, StatisticsAreTheMeanAndTheUnbiasedVariance) {
  const LayerCase layer_case = norm({4, 1}, {});
  LayerValues values = draw_values(layer_case);
  values.in[0] = {1, 2, 3, 6};
  ReferenceBackend backend;
  const LayerResult result = run_layer(backend, layer_case, values);
  EXPECT_DOUBLE_EQ(result.statistics[0][0], 3.0);
  EXPECT_DOUBLE_EQ(result.statistics[1][0], 14.0 / 3);
}

TEST(BatchNorm, RefusesWhatDoesNotFit) {
  EXPECT_THROW(norm({1, 1}, {.epsilon = 0}), ConfigError);
  LayerCase layer_case = norm({1, 2, 2, 4}, {.add = true});
  layer_case.in[1] = {1, 2, 2, 3};
  EXPECT_THROW(layer_of(layer_case), ShapeError);
}

}  // namespace
}  // namespace hadal::test

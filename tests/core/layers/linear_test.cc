#include "core/layers/linear.h"

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/layers/bias.h"
#include "core/layers/gather_channels.h"
#include "tests/core/layer_check.h"

namespace hadal::test {
namespace {

LayerCase linear_case(const Shape& in, const LinearOptions& options) {
  LayerCase layer_case{.name = "linear", .in = {in}};
  layer_case.build = [options](Graph& g, std::span<const Value> x) {
    return linear(g, "y", x[0], options);
  };
  return layer_case;
}

TEST(Linear, GradientsMatchCentralDifferences) {
  check_layer(linear_case({3, 7}, {.out = 5}));
  check_layer(linear_case({2, 3, 2, 4}, {.out = 3, .bias = false}));
  check_layer(linear_case({1, 1}, {.out = 1}));
}

TEST(Linear, CountsWeightsOverAllElementsOfASample) {
  const LayerCase layer_case = linear_case({4, 6, 6, 64}, {.out = 512});
  const auto layer = layer_of(layer_case);
  EXPECT_EQ(layer->parameters(layer_case.in)[0].shape, (Shape{512, 2304}));
  EXPECT_EQ(layer->macs(layer_case.in), 4 * 512 * 2304);
  EXPECT_THROW(layer_of(linear_case({1, 8}, {.out = 0})), ConfigError);
}

TEST(Bias, GradientsMatchCentralDifferences) {
  LayerCase layer_case{.name = "bias", .in = {{2, 3, 2, 5}}};
  layer_case.build = [](Graph& g, std::span<const Value> x) { return bias(g, "y", x[0]); };
  check_layer(layer_case);
  layer_case.in = {{3, 4}};
  check_layer(layer_case);
}

TEST(GatherChannels, GradientsMatchCentralDifferences) {
  LayerCase layer_case{.name = "gather_channels", .in = {{2, 3, 2, 4}}};
  layer_case.build = [](Graph& g, std::span<const Value> x) {
    return gather_channels(g, "y", x[0], {3, 0, 3, 1});  // one twice, one never
  };
  check_layer(layer_case);
  layer_case.in = {{3, 4}};
  check_layer(layer_case);
  layer_case.in = {{3, 3}};
  EXPECT_THROW(layer_of(layer_case), ShapeError);
}

}  // namespace
}  // namespace hadal::test

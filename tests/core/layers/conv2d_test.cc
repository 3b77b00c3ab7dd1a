#include "core/layers/conv2d.h"

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/layers/partial_conv2d.h"
#include "core/params.h"
#include "core/reference/reference_backend.h"
#include "tests/core/layer_check.h"

namespace hadal::test {
namespace {

LayerCase conv(const Shape& in, const Conv2dOptions& options) {
  LayerCase layer_case{.name = "conv2d", .in = {in}};
  layer_case.build = [options](Graph& g, std::span<const Value> x) {
    return conv2d(g, "y", x[0], options);
  };
  return layer_case;
}

Shape conv_shape(const Shape& in, const Conv2dOptions& options) {
  return output_shape_of(conv(in, options));
}

TEST(Conv2d, GradientsMatchCentralDifferences) {
  check_layer(conv({2, 5, 4, 3}, {.out = 4, .bias = true}));
  check_layer(conv({1, 7, 6, 2}, {.out = 3, .stride = 2}));
  check_layer(conv({2, 6, 5, 4}, {.out = 6, .stride = 2, .padding = PaddingRule::kTfSame}));
  check_layer(conv({1, 7, 7, 2}, {.out = 2, .padding = PaddingRule::kValid, .dilation = 2}));
  check_layer(conv({2, 4, 5, 6}, {.out = 4, .groups = 2, .bias = true}));
  check_layer(conv({1, 5, 6, 2}, {.out = 2, .kernel_h = 1, .kernel_w = 4}));
  check_layer(conv({2, 3, 3, 4}, {.out = 5, .kernel = 1, .stride = 2}));
  check_layer(conv({1, 4, 4, 1}, {.out = 1, .padding = Padding{.top = 2, .right = 1}}));
}

TEST(Conv2d, SumsProductsUnderTheWindow) {
  // One map, 2 x 2 window, on 1 2 3 / 4 5 6 / 7 8 9; worked by hand.
  const LayerCase layer_case =
      conv({1, 3, 3, 1}, {.out = 1, .kernel = 2, .padding = PaddingRule::kValid, .bias = true});
  LayerValues values = draw_values(layer_case);
  values.in[0] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  values.parameters = {{1, 10, 100, 1000}, {0.5}};
  ReferenceBackend backend;
  EXPECT_EQ(run_layer(backend, layer_case, values).out,
            (std::vector<double>{5421.5, 6532.5, 8754.5, 9865.5}));
}

TEST(Conv2d, PaddingRulesGiveTheSizesOfTheirFrameworks) {
  EXPECT_EQ(conv_shape({1, 32, 32, 3}, {.out = 8}), (Shape{1, 32, 32, 8}));
  EXPECT_EQ(conv_shape({1, 224, 224, 3}, {.out = 64, .kernel = 7, .stride = 2}),
            (Shape{1, 112, 112, 64}));
  EXPECT_EQ(conv_shape({1, 33, 32, 3}, {.out = 8, .stride = 2, .padding = PaddingRule::kTfSame}),
            (Shape{1, 17, 16, 8}));
  EXPECT_EQ(conv_shape({1, 32, 32, 3}, {.out = 8, .padding = PaddingRule::kValid}),
            (Shape{1, 30, 30, 8}));
  EXPECT_EQ(conv_shape({1, 32, 32, 3}, {.out = 8, .dilation = 3}), (Shape{1, 32, 32, 8}));
}

TEST(Conv2d, TensorFlowsSamePutsTheOddCellBehind) {
  const auto padding = resolve(PaddingRule::kTfSame, {1, 32, 31, 3},
                               {.height = 3, .width = 3, .stride_h = 2, .stride_w = 2});
  EXPECT_EQ(padding, (Padding{.top = 0, .bottom = 1, .left = 1, .right = 1}));
}

TEST(Conv2d, CountsMultiplyAdds) {
  const LayerCase layer_case = conv({2, 8, 8, 16}, {.out = 32, .stride = 2, .groups = 4});
  EXPECT_EQ(layer_of(layer_case)->macs(layer_case.in), 2 * 4 * 4 * 32 * 9 * 4);
}

TEST(Conv2d, RefusesWhatDoesNotFit) {
  EXPECT_THROW(conv_shape({1, 8, 8, 3}, {.out = 4, .groups = 2}), ShapeError);
  EXPECT_THROW(conv_shape({1, 8}, {.out = 4}), ShapeError);
  EXPECT_THROW(conv_shape({1, 2, 2, 3}, {.out = 4, .padding = PaddingRule::kValid}), ShapeError);
  EXPECT_THROW(conv_shape({1, 8, 8, 4}, {.out = 3, .groups = 2}), ConfigError);
  EXPECT_THROW(conv_shape({1, 8, 8, 3}, {.out = 4, .stride = 0}), ConfigError);
  EXPECT_THROW(conv_shape({1, 8, 8, 3}, {}), ConfigError);
}

TEST(PartialConv2d, LenetsC3HasThePapersParameters) {
  const std::vector<std::vector<int>> table = {
      {0, 1, 2},    {1, 2, 3},    {2, 3, 4},    {3, 4, 5},         {0, 4, 5},    {0, 1, 5},
      {0, 1, 2, 3}, {1, 2, 3, 4}, {2, 3, 4, 5}, {0, 3, 4, 5},      {0, 1, 4, 5}, {0, 1, 2, 5},
      {0, 1, 3, 4}, {1, 2, 4, 5}, {0, 2, 3, 5}, {0, 1, 2, 3, 4, 5}};
  Graph g;
  const Value x = g.input("x", {1, 14, 14, 6});
  const Value c3 = partial_conv2d(g, "c3", x, table,
                                  {.kernel = 5, .padding = PaddingRule::kValid, .bias = true});
  EXPECT_EQ(g.shape(c3), (Shape{1, 10, 10, 16}));
  EXPECT_EQ(Parameters(g).trainable_count(), 1516);
  EXPECT_THROW(partial_conv2d(g, "c4", x, table, {.out = 15}), ConfigError);
  EXPECT_THROW(partial_conv2d(g, "c5", x, {{}}, {}), ConfigError);
}

}  // namespace
}  // namespace hadal::test

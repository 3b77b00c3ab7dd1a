#include "core/layers/pad_shortcut.h"

#include <gtest/gtest.h>

#include "core/layers/flatten.h"
#include "core/reference/reference_backend.h"
#include "tests/core/layer_check.h"

namespace hadal {
namespace {

using test::LayerCase;

LayerCase shortcut_case(const Shape& in, const PadShortcutOp& op) {
  return {
      .name = "pad_shortcut",
      .build = [op](Graph& g, std::span<const Value> x) { return pad_shortcut(g, "y", x[0], op); },
      .in = {in}};
}

std::vector<double> output(const LayerCase& layer_case) {
  ReferenceBackend backend;
  return run_layer(backend, layer_case, draw_values(layer_case)).out;
}

TEST(PadShortcut, GradientsAreRightInAllItsVariants) {
  for (const Shape& in : {Shape{2, 6, 4, 3}, Shape{1, 5, 7, 4}})
    for (const Subsampling subsampling : {Subsampling::kPick, Subsampling::kAverage})
      for (const ChannelPadding channels : {ChannelPadding::kEnd, ChannelPadding::kSplit})
        for (const int stride : {1, 2, 3})
          check_layer(shortcut_case(
              in, {.out = 9, .stride = stride, .subsampling = subsampling, .channels = channels}));
}

TEST(PadShortcut, PicksEverySecondPixelAndAppendsZeros) {
  const LayerCase layer_case = shortcut_case({1, 4, 5, 2}, {.out = 4});
  const auto x = draw_values(layer_case).in[0];
  const auto y = output(layer_case);
  ASSERT_EQ(test::output_shape_of(layer_case), (Shape{1, 2, 3, 4}));
  for (int h = 0; h < 2; ++h)
    for (int w = 0; w < 3; ++w) {
      const double* found = &y[(h * 3 + w) * 4];
      EXPECT_EQ(found[0], x[(2 * h * 5 + 2 * w) * 2]);
      EXPECT_EQ(found[1], x[(2 * h * 5 + 2 * w) * 2 + 1]);
      EXPECT_EQ(found[2], 0);
      EXPECT_EQ(found[3], 0);
    }
}

TEST(PadShortcut, AveragesTheCellsInsideAndSplitsTheZeros) {
  const LayerCase layer_case = shortcut_case(
      {1, 2, 3, 1},
      {.out = 4, .subsampling = Subsampling::kAverage, .channels = ChannelPadding::kSplit});
  const auto x = draw_values(layer_case).in[0];
  const auto y = output(layer_case);
  ASSERT_EQ(test::output_shape_of(layer_case), (Shape{1, 1, 2, 4}));
  // Three channels of zeros: one before, two after.
  EXPECT_EQ(y[0], 0);
  EXPECT_DOUBLE_EQ(y[1], (x[0] + x[1] + x[3] + x[4]) / 4);
  EXPECT_EQ(y[2], 0);
  EXPECT_EQ(y[3], 0);
  EXPECT_DOUBLE_EQ(y[5], (x[2] + x[5]) / 2);  // hangs over the right edge
}

TEST(PadShortcut, RefusesToDropChannels) {
  Graph g;
  const Value x = g.input("x", {1, 8, 8, 32});
  EXPECT_THROW(pad_shortcut(g, "y", x, {.out = 16}), ShapeError);
  EXPECT_THROW(pad_shortcut(g, "y", x, {.out = 64, .stride = 0}), ConfigError);
}

TEST(Flatten, KeepsTheOrderAndPassesGradientsThrough) {
  const LayerCase layer_case{
      .name = "flatten",
      .build = [](Graph& g, std::span<const Value> x) { return flatten(g, "y", x[0]); },
      .in = {{2, 3, 4, 5}}};
  check_layer(layer_case);
  EXPECT_EQ(test::output_shape_of(layer_case), (Shape{2, 60}));
  EXPECT_EQ(output(layer_case), draw_values(layer_case).in[0]);
}

}  // namespace
}  // namespace hadal

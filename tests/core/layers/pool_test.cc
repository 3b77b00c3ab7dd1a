#include "core/layers/pool.h"

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/reference/reference_backend.h"
#include "tests/core/layer_check.h"

namespace hadal::test {
namespace {

LayerCase pool_case(const Shape& in, PoolKind kind, const PoolOptions& options) {
  LayerCase layer_case{.name = "pool", .in = {in}};
  layer_case.build = [=](Graph& g, std::span<const Value> x) {
    return kind == PoolKind::kMax ? max_pool(g, "y", x[0], options)
                                  : average_pool(g, "y", x[0], options);
  };
  return layer_case;
}

Shape pool_shape(const Shape& in, const PoolOptions& options) {
  return output_shape_of(pool_case(in, PoolKind::kMax, options));
}

const PoolOptions kForms[] = {
    {},
    {.window = 3, .stride = 2},
    {.window = 3, .stride = 2, .rounding = Rounding::kCeil},
    {.window = 3, .stride = 1, .padding = PaddingRule::kSameHalf},
    {.window = 3, .stride = 2, .padding = PaddingRule::kTfSame},
    {.window = 3,
     .stride = 2,
     .padding = Padding{1, 1, 1, 1},
     .rounding = Rounding::kCeil,
     .count_padding = true},
    {.window_h = 1, .window_w = 3},
};

TEST(Pool, GradientsMatchCentralDifferencesInEveryForm) {
  for (const PoolKind kind : {PoolKind::kMax, PoolKind::kAverage})
    for (const PoolOptions& options : kForms) {
      check_layer(pool_case({2, 5, 6, 3}, kind, options));
      check_layer(pool_case({1, 6, 7, 1}, kind, options));
    }
}

TEST(Pool, GlobalPoolsReduceTheWholeImage) {
  for (const bool max : {true, false}) {
    LayerCase layer_case{.name = "global pool", .in = {{2, 3, 5, 4}}};
    layer_case.build = [max](Graph& g, std::span<const Value> x) {
      return max ? global_max_pool(g, "y", x[0]) : global_average_pool(g, "y", x[0]);
    };
    EXPECT_EQ(output_shape_of(layer_case), (Shape{2, 1, 1, 4}));
    check_layer(layer_case);
  }
}

TEST(Pool, CeilSizesAreCaffes) {
  // Network in Network: 32 -> 16 -> 8 where floor gives 15 and 7.
  const PoolOptions ceil{.window = 3, .stride = 2, .rounding = Rounding::kCeil};
  EXPECT_EQ(pool_shape({1, 32, 32, 1}, ceil), (Shape{1, 16, 16, 1}));
  EXPECT_EQ(pool_shape({1, 16, 16, 1}, ceil), (Shape{1, 8, 8, 1}));
  EXPECT_EQ(pool_shape({1, 32, 32, 1}, {.window = 3, .stride = 2}), (Shape{1, 15, 15, 1}));
  // A last window that would begin behind image and padding is left out: 3 + 2 = 5 cells from -1
  // on, windows at -1, 1 and (left out) 3.
  EXPECT_EQ(
      pool_shape(
          {1, 2, 2, 1},
          {.window = 2, .stride = 3, .padding = Padding{1, 1, 1, 1}, .rounding = Rounding::kCeil}),
      (Shape{1, 1, 1, 1}));
}

std::vector<double> pooled(const PoolOptions& options, PoolKind kind, std::vector<double> x,
                           const Shape& in) {
  const LayerCase layer_case = pool_case(in, kind, options);
  LayerValues values = draw_values(layer_case);
  values.in[0] = std::move(x);
  ReferenceBackend backend;
  return run_layer(backend, layer_case, values).out;
}

TEST(Pool, PaddingNeverWinsAndIsCountedOnlyWhenAsked) {
  const PoolOptions same{.window = 2,
                         .padding = Padding{.top = 1, .bottom = 1, .left = 1, .right = 1}};
  PoolOptions counted = same;
  counted.count_padding = true;
  const std::vector<double> x = {-1, -2, -3, -4};
  EXPECT_EQ(pooled(same, PoolKind::kMax, x, {1, 2, 2, 1}), (std::vector<double>{-1, -2, -3, -4}));
  EXPECT_EQ(pooled(same, PoolKind::kAverage, x, {1, 2, 2, 1}),
            (std::vector<double>{-1, -2, -3, -4}));
  EXPECT_EQ(pooled(counted, PoolKind::kAverage, x, {1, 2, 2, 1}),
            (std::vector<double>{-0.25, -0.5, -0.75, -1}));
}

TEST(Pool, AWindowThatHangsOverThePaddedEdgeIsCutByCaffesRule) {
  // 3 cells, window 2, stride 2, ceil: the second window has one cell inside.
  const PoolOptions options{.window_h = 1,
                            .window_w = 2,
                            .stride = 2,
                            .rounding = Rounding::kCeil,
                            .count_padding = true};
  EXPECT_EQ(pooled(options, PoolKind::kAverage, {2, 4, 6}, {1, 1, 3, 1}),
            (std::vector<double>{3, 6}));
}

TEST(Pool, TheFirstOfEqualMaximaGetsTheGradient) {
  const LayerCase layer_case = pool_case({1, 2, 2, 1}, PoolKind::kMax, {});
  LayerValues values = draw_values(layer_case);
  values.in[0] = {0, 5, 5, 5};
  values.d_out = {2};
  ReferenceBackend backend;
  EXPECT_EQ(run_layer(backend, layer_case, values).d_in[0], (std::vector<double>{0, 2, 0, 0}));
}

TEST(Pool, RefusesWhatDoesNotFit) {
  EXPECT_THROW(pool_shape({1, 4, 4, 1}, {.padding = Padding{.top = 2}}), ConfigError);
  EXPECT_THROW(pool_shape({1, 4, 4, 1}, {.window = 0}), ConfigError);
  EXPECT_THROW(pool_shape({1, 4, 4, 1}, {.window = 5}), ShapeError);
  EXPECT_THROW(pool_shape({1, 4}, {}), ShapeError);
}

}  // namespace
}  // namespace hadal::test

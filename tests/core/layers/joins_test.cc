// The layers at which paths meet: add, mean_join, concat.
#include <gtest/gtest.h>

#include "core/layers/add.h"
#include "core/layers/concat.h"
#include "core/layers/mean_join.h"
#include "core/reference/reference_backend.h"
#include "tests/core/layer_check.h"

namespace hadal {
namespace {

using test::LayerCase;

std::vector<Graph::Edge> gated(Graph& g, std::span<const Value> values) {
  std::vector<Graph::Edge> edges;
  for (const Value value : values) edges.push_back({value, g.gate("gate")});
  return edges;
}

LayerCase add_case(std::vector<int> closed) {
  return {.name = "add",
          .build = [](Graph& g,
                      std::span<const Value> x) { return add(g, "y", x[0], x[1], g.gate("gate")); },
          .in = {{3, 5, 4, 7}, {3, 5, 4, 7}},
          .closed = std::move(closed)};
}

LayerCase mean_join_case(int columns, std::vector<int> closed) {
  return {
      .name = "mean_join",
      .build = [](Graph& g, std::span<const Value> x) { return mean_join(g, "y", gated(g, x)); },
      .in = std::vector<Shape>(columns, {2, 3, 5, 6}),
      .closed = std::move(closed)};
}

LayerCase concat_case(std::vector<int> closed) {
  return {.name = "concat",
          .build = [](Graph& g, std::span<const Value> x) { return concat(g, "y", gated(g, x)); },
          .in = {{2, 3, 5, 4}, {2, 3, 5, 1}, {2, 3, 5, 7}},
          .closed = std::move(closed)};
}

std::vector<double> output(const LayerCase& layer_case) {
  ReferenceBackend backend;
  return run_layer(backend, layer_case, draw_values(layer_case)).out;
}

TEST(Add, GradientsAreRightWithTheGateOpenAndClosed) {
  check_layer(add_case({}));
  check_layer(add_case({1}));
}

TEST(Add, IsTheShortcutWhileTheGateIsClosed) {
  EXPECT_EQ(output(add_case({1})), draw_values(add_case({1})).in[0]);
}

TEST(Add, WeighsTheBranchAtInference) {
  LayerCase scaled = add_case({});
  scaled.build = [](Graph& g, std::span<const Value> x) {
    return g.apply("y", AddLayer().with_scale(0.75), {x[0], x[1]});
  };
  check_layer(scaled);
  const auto in = draw_values(scaled).in;
  const auto y = output(scaled);
  for (std::size_t i = 0; i < y.size(); ++i) EXPECT_EQ(y[i], in[0][i] + 0.75 * in[1][i]);
}

TEST(Add, RefusesPathsOfDifferentShape) {
  Graph g;
  const Value x = g.input("x", {1, 8, 8, 16}), branch = g.input("branch", {1, 8, 8, 32});
  try {
    add(g, "block1.add", x, branch);
    FAIL() << "accepted";
  } catch (const ShapeError& error) {
    EXPECT_STREQ(error.what(), "block1.add: branch is 1x8x8x32, wanted 1x8x8x16 as the shortcut");
  }
}

TEST(MeanJoin, GradientsAreRightForEverySetOfOpenColumns) {
  for (const auto& closed :
       std::vector<std::vector<int>>{{}, {0}, {1}, {2}, {0, 1}, {0, 2}, {1, 2}})
    check_layer(mean_join_case(3, closed));
  check_layer(mean_join_case(1, {}));
}

TEST(MeanJoin, IsTheFlatMeanOfTheColumnsPresent) {
  const auto in = draw_values(mean_join_case(3, {})).in;
  const auto all = output(mean_join_case(3, {})), two = output(mean_join_case(3, {1})),
             one = output(mean_join_case(3, {0, 1}));
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_DOUBLE_EQ(all[i], (in[0][i] + in[1][i] + in[2][i]) / 3);
    EXPECT_DOUBLE_EQ(two[i], (in[0][i] + in[2][i]) / 2);
    EXPECT_EQ(one[i], in[2][i]);
  }
}

TEST(MeanJoin, DividesByTheColumnsPresentAlsoWhenAGradientIsNotWanted) {
  const LayerCase layer_case = mean_join_case(3, {});
  const auto values = draw_values(layer_case);
  ReferenceBackend backend;
  const auto d_in = run_layer(backend, layer_case, values, {.without_d_in = {0}}).d_in;
  for (std::size_t i = 0; i < values.d_out.size(); ++i) EXPECT_EQ(d_in[1][i], values.d_out[i] / 3);
}

TEST(Concat, GradientsAreRightWithAndWithoutEveryInput) {
  for (const auto& closed : std::vector<std::vector<int>>{{}, {0}, {1}, {2}})
    check_layer(concat_case(closed));
}

TEST(Concat, PutsChannelsOneAfterAnotherAndZerosForTheAbsent) {
  const auto in = draw_values(concat_case({1})).in;
  const auto y = output(concat_case({1}));
  for (std::size_t pixel = 0; pixel < 2 * 3 * 5; ++pixel) {
    const double* found = &y[pixel * 12];
    for (int c = 0; c < 4; ++c) EXPECT_EQ(found[c], in[0][pixel * 4 + c]);
    EXPECT_EQ(found[4], 0);
    for (int c = 0; c < 7; ++c) EXPECT_EQ(found[5 + c], in[2][pixel * 7 + c]);
  }
}

TEST(Concat, RefusesPicturesOfDifferentSize) {
  Graph g;
  const Value x = g.input("x", {1, 8, 8, 16}), y = g.input("y", {1, 4, 8, 16});
  EXPECT_THROW(concat(g, "z", {{x, std::nullopt}, {y, std::nullopt}}), ShapeError);
  EXPECT_THROW(concat(g, "z", {}), ConfigError);
}

}  // namespace
}  // namespace hadal

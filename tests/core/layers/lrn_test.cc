#include "core/layers/lrn.h"

#include <cmath>

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/reference/reference_backend.h"
#include "tests/core/layer_check.h"

namespace hadal::test {
namespace {

LayerCase lrn_case(const Shape& in, const LrnOptions& options) {
  LayerCase layer_case{.name = "lrn", .in = {in}};
  layer_case.build = [options](Graph& g, std::span<const Value> x) {
    return lrn(g, "y", x[0], options);
  };
  return layer_case;
}

TEST(Lrn, GradientsMatchCentralDifferences) {
  check_layer(lrn_case({2, 2, 3, 7}, {}));
  // Strong enough that the second term of the gradient counts; fewer channels than the window.
  check_layer(lrn_case({2, 2, 3, 7}, {.k = 1, .alpha = 0.7, .beta = 0.75, .size = 3}));
  check_layer(lrn_case({1, 2, 2, 2}, {.k = 1, .alpha = 0.7, .beta = 1.5, .size = 5}));
}

TEST(Lrn, AlphaIsNotDividedByTheWindow) {
  const LayerCase layer_case = lrn_case({1, 1, 1, 3}, {.k = 1, .alpha = 1, .beta = 1, .size = 3});
  LayerValues values = draw_values(layer_case);
  values.in[0] = {1, 2, 3};
  ReferenceBackend backend;
  const std::vector<double> y = run_layer(backend, layer_case, values).out;
  const double wanted[] = {1.0 / (1 + 1 + 4), 2.0 / (1 + 1 + 4 + 9), 3.0 / (1 + 4 + 9)};
  for (int c = 0; c < 3; ++c) EXPECT_DOUBLE_EQ(y[c], wanted[c]);
}

TEST(Lrn, RefusesWhatDoesNotFit) {
  EXPECT_THROW(layer_of(lrn_case({1, 2, 2, 4}, {.size = 4})), ConfigError);
  EXPECT_THROW(layer_of(lrn_case({1, 2, 2, 4}, {.k = 0})), ConfigError);
  EXPECT_THROW(layer_of(lrn_case({1, 4}, {})), ShapeError);
}

}  // namespace
}  // namespace hadal::test

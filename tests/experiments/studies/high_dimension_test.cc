#include "experiments/studies/high_dimension.h"

#include <cmath>

#include <gtest/gtest.h>

#include "core/base/error.h"

namespace hadal::studies {
namespace {

TEST(HighDimension, TheCosineShrinksAndTheInnerProductGrowsWithTheRootOfTheDimension) {
  const auto rows = measure_high_dimension({.dimensions = {2, 10, 100, 400}, .pairs = 1000});
  for (const HighDimensionRow& row : rows) {
    // An estimated deviation deviates by sqrt((kurtosis - 1) / (4 pairs)) of itself; the kurtosis
    // is at most 3 for the cosine and 3 + 6/n for a sum of n products. Five times that is allowed.
    const double n = row.dimension;
    EXPECT_NEAR(row.cosine_deviation * std::sqrt(n), 1, 5 * std::sqrt(2 / 4000.0)) << n;
    EXPECT_NEAR(row.product_deviation / std::sqrt(n), 1, 5 * std::sqrt((2 + 6 / n) / 4000)) << n;
    EXPECT_LT(row.cosine_low, 0);
    EXPECT_GT(row.cosine_high, 0);
  }
}

TEST(HighDimension, InOneDimensionEveryTwoVectorsAreParallel) {
  const auto row = measure_high_dimension({.dimensions = {1}, .pairs = 50}).front();
  EXPECT_DOUBLE_EQ(row.cosine_deviation, 1);
  EXPECT_NEAR(row.angle_degrees, 90, 1e-5);  // acos loses half the digits at 1
  EXPECT_EQ(row.far_share, 1);
}

TEST(HighDimension, FewPairsAreFartherApartThanTheTailBoundAllows) {
  for (const auto& row : measure_high_dimension({.dimensions = {300, 1000}, .pairs = 500}))
    EXPECT_LE(row.far_share, row.far_bound) << row.dimension;
}

TEST(HighDimension, TheSameSeedGivesTheSameRowsAndAnotherOtherOnes) {
  const auto a = measure_high_dimension({.dimensions = {30}, .pairs = 10, .seed = 3}).front();
  const auto b = measure_high_dimension({.dimensions = {30}, .pairs = 10, .seed = 3}).front();
  const auto c = measure_high_dimension({.dimensions = {30}, .pairs = 10, .seed = 4}).front();
  EXPECT_EQ(a.product_deviation, b.product_deviation);
  EXPECT_NE(a.product_deviation, c.product_deviation);
}

TEST(HighDimension, NoDimensionsBelowOneAndNoSinglePair) {
  EXPECT_THROW(measure_high_dimension({.dimensions = {0}}), ConfigError);
  EXPECT_THROW(measure_high_dimension({.pairs = 1}), ConfigError);
}

}  // namespace
}  // namespace hadal::studies

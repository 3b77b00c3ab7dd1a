#include "core/base/random.h"

#include <cmath>
#include <set>

#include <Random123/philox.h>
#include <gtest/gtest.h>

namespace hadal::random {
namespace {

TEST(Random, PhiloxGivesTheKnownAnswers) {
  // Known-answer vectors of Random123 (kat_vectors, philox4x32 10 rounds).
  r123::Philox4x32 philox;
  const auto zeros = philox({{0, 0, 0, 0}}, {{0, 0}});
  EXPECT_EQ(zeros[0], 0x6627e8d5u);
  EXPECT_EQ(zeros[3], 0x9b00dbd8u);
}

TEST(Random, DrawsArePureFunctionsOfTheirKey) {
  const Stream stream{42, Purpose::kTest, 3, 7};
  for (std::uint64_t i = 0; i < 16; ++i) EXPECT_EQ(bits(stream, i), block(stream, i / 4)[i % 4]);
  EXPECT_EQ(bits(stream, 5), bits(stream, 5));
}

TEST(Random, AnyPartOfTheKeyChangesTheDraw) {
  const Stream base{42, Purpose::kTest, 3, 7};
  std::set<std::uint32_t> draws = {bits(base, 0), bits(base, 1),
                                   bits(base, std::uint64_t{1} << 40)};
  for (const Stream& other : {Stream{43, Purpose::kTest, 3, 7}, Stream{42, Purpose::kCrop, 3, 7},
                              Stream{42, Purpose::kTest, 4, 7}, Stream{42, Purpose::kTest, 3, 8}})
    draws.insert(bits(other, 0));
  EXPECT_EQ(draws.size(), 7u);
}

TEST(Random, MomentsAreThoseOfTheDistributions) {
  const Stream stream{1, Purpose::kTest};
  const int count = 100000;
  double uniform_sum = 0, normal_sum = 0, normal_squares = 0;
  for (int i = 0; i < count; ++i) {
    uniform_sum += uniform(stream, i);
    const double z = normal(stream, i);
    normal_sum += z;
    normal_squares += z * z;
  }
  // Five standard errors of the mean of `count` draws.
  EXPECT_NEAR(uniform_sum / count, 0.5, 5 * std::sqrt(1.0 / 12 / count));
  EXPECT_NEAR(normal_sum / count, 0.0, 5 / std::sqrt(double(count)));
  EXPECT_NEAR(normal_squares / count, 1.0, 5 * std::sqrt(2.0 / count));
}

TEST(Random, BelowStaysBelow) {
  const Stream stream{9, Purpose::kTest};
  for (int i = 0; i < 1000; ++i) EXPECT_LT(below(stream, 7, i), 7u);
}

}  // namespace
}  // namespace hadal::random

#include "core/linalg/fixed_point.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/random.h"

namespace hadal::linalg {
namespace {

std::vector<double> random_terms(std::uint64_t count) {
  std::vector<double> terms(count);
  for (std::uint64_t i = 0; i < count; ++i)
    terms[i] = random::normal({11, random::Purpose::kTest}, i) *
               std::exp(10 * random::normal({12, random::Purpose::kTest}, i));
  return terms;
}

double sum_of_magnitudes(const std::vector<double>& terms) {
  double sum = 0;
  for (const double t : terms) sum += std::abs(t);
  return sum;
}

TEST(FixedPointSum, AnyOrderAndAnySplitGiveTheSameBits) {
  std::vector<double> terms = random_terms(1000);
  const int exponent = unit_exponent(sum_of_magnitudes(terms));
  for (const int limbs : {1, 2}) {
    FixedPointSum forwards(1, exponent, limbs), backwards(1, exponent, limbs),
        parts(1, exponent, limbs);
    for (std::size_t i = 0; i < terms.size(); ++i) {
      forwards.add(0, std::span(terms).subspan(i, 1));
      backwards.add(0, std::span(terms).subspan(terms.size() - 1 - i, 1));
    }
    for (const std::size_t begin : {500, 0, 250, 750}) {
      FixedPointSum part(1, exponent, limbs);
      for (std::size_t i = begin; i < begin + 250; ++i) part.add(0, std::span(terms).subspan(i, 1));
      parts.merge(part);
    }
    EXPECT_TRUE(std::ranges::equal(forwards.words(), backwards.words()));
    EXPECT_TRUE(std::ranges::equal(forwards.words(), parts.words()));
    EXPECT_FALSE(forwards.overflowed());
  }
}

TEST(FixedPointSum, TheSumIsRightToHalfAUnitATerm) {
  std::vector<double> terms = random_terms(1000);
  const double bound = sum_of_magnitudes(terms);
  long double exact = 0;
  for (const double t : terms) exact += t;
  for (const int limbs : {1, 2}) {
    FixedPointSum sum(1, unit_exponent(bound), limbs);
    for (const double& t : terms) sum.add(0, std::span(&t, 1));
    const double unit = std::ldexp(bound, -60 - (limbs - 1) * FixedPointSum::kLowBits);
    // The result itself is rounded to float64 once; the judge sums with 64 bits.
    EXPECT_NEAR(sum.value(0), static_cast<double>(exact),
                1000 * (unit / 2 + std::ldexp(bound, -64)) + std::abs(sum.value(0)) * 0x1p-52);
  }
}

TEST(FixedPointSum, IntegersAreExact) {
  FixedPointSum sum(2, 0);
  const std::vector<float> terms = {3, -16777215};
  for (int i = 0; i < 1000; ++i) sum.add(0, terms);
  EXPECT_EQ(sum.values(), (std::vector<double>{3000, -16777215000.0}));
}

TEST(FixedPointSum, SaysThatItHasOverflowedAndWhatWouldNot) {
  std::vector<float> terms(3, 1e6f);
  FixedPointSum sum(3, -35);
  sum.add(0, terms);
  EXPECT_FALSE(sum.overflowed());
  EXPECT_EQ(sum.needed_exponent(), -35);
  terms[1] = -1e9f;  // 2^65 units
  sum.add(0, terms);
  EXPECT_TRUE(sum.overflowed());
  FixedPointSum again(3, sum.needed_exponent());
  for (int i = 0; i < 8; ++i) again.add(0, terms);
  EXPECT_FALSE(again.overflowed());
  EXPECT_NEAR(again.value(1), -8e9, 1);
}

TEST(FixedPointSum, ManySmallTermsOverflowToo) {
  FixedPointSum sum(1, 0), whole(1, 0);
  const double term = 0x1p58;
  for (int i = 0; i < 8; ++i) sum.add(0, std::span(&term, 1));
  EXPECT_FALSE(sum.overflowed());  // 2^61
  for (int i = 0; i < 20; ++i) sum.add(0, std::span(&term, 1));
  EXPECT_TRUE(sum.overflowed());
}

TEST(FixedPointSum, NanAndInfinityVoidTheSum) {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    FixedPointSum sum(3, -20);
    sum.add(0, std::vector<float>{1, bad, 2});
    EXPECT_TRUE(sum.overflowed());
  }
}

TEST(FixedPointSum, ABoundMustBeFinite) {
  EXPECT_EQ(unit_exponent(0), 0);
  EXPECT_EQ(unit_exponent(1), -60);
  EXPECT_THROW(unit_exponent(std::numeric_limits<double>::infinity()), ConfigError);
  EXPECT_THROW(unit_exponent(-1), ConfigError);
}

TEST(FixedPointSum, ThePackedTriangleHasNoHoles) {
  std::int64_t next = 0;
  for (std::int64_t i = 0; i < 5; ++i)
    for (std::int64_t j = i; j < 5; ++j) EXPECT_EQ(packed_index(5, i, j), next++);
  EXPECT_EQ(next, packed_size(5));
}

}  // namespace
}  // namespace hadal::linalg

#include "launcher/paired_test.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace hadal::launcher {
namespace {

std::optional<PairedTest> against_zero(const std::vector<double>& values) {
  return paired_test(values, std::vector<double>(values.size(), 0.0));
}

TEST(PairedTest, OfStudentIsThatOfTheTable) {
  // mean 2, deviation 2: t = sqrt(4) = 2, three degrees of freedom; p = 0.1393 in printed tables.
  const double wide = std::sqrt(3.0);
  const auto test = against_zero({2 - wide, 2 + wide, 2 - wide, 2 + wide});
  EXPECT_DOUBLE_EQ(test->mean, 2);
  EXPECT_NEAR(test->t_p.value(), 0.1393, 1e-4);
}

TEST(PairedTest, OfWilcoxonCountsSignsOfRanks) {
  // All five of one sign: two of the 32 ways are as far out.
  EXPECT_DOUBLE_EQ(against_zero({1, 2, 3, 4, 5})->wilcoxon_p.value(), 2.0 / 32);
  EXPECT_DOUBLE_EQ(against_zero({-1, -2, -3, -4, -5})->wilcoxon_p.value(), 2.0 / 32);
  // Ranks 1 and 2 negative: sums up to 3 are {}, {1}, {2}, {3}, {1,2}: five ways on each side.
  EXPECT_DOUBLE_EQ(against_zero({-1, -2, 3, 4, 5})->wilcoxon_p.value(), 10.0 / 32);
}

TEST(PairedTest, AveragesRanksOfTiesAndLeavesZerosOut) {
  // Ranks 1.5, 1.5, 3: negative sum 1.5; sums up to 1.5 are {}, and either 1.5: three ways of
  // eight.
  EXPECT_DOUBLE_EQ(against_zero({-1, 1, 2})->wilcoxon_p.value(), 6.0 / 8);
  EXPECT_DOUBLE_EQ(against_zero({0, -1, 1, 2, 0})->wilcoxon_p.value(), 6.0 / 8);
  EXPECT_EQ(against_zero({0, 0})->wilcoxon_p, std::nullopt);
}

TEST(PairedTest, TheApproximationAboveFiftyPairsMeetsTheCount) {
  std::vector<double> values;
  std::vector<double> ways = {1};  // of 51 signs that give each sum of negative ranks
  std::size_t negative = 0;
  for (std::size_t rank = 1; rank <= 51; ++rank) {
    if (rank % 3 == 0) negative += rank;
    values.push_back(rank % 3 == 0 ? -static_cast<double>(rank) : static_cast<double>(rank));
    ways.resize(ways.size() + rank);
    for (std::size_t sum = ways.size(); sum-- > rank;) ways[sum] += ways[sum - rank];
  }
  double tail = 0;
  for (std::size_t sum = 0; sum <= negative; ++sum) tail += ways[sum];
  // The normal approximation of 51 steps: about a hundredth of p where p is a tenth.
  EXPECT_NEAR(against_zero(values)->wilcoxon_p.value() / (2 * tail * std::pow(0.5, 51)), 1, 0.02);
}

TEST(PairedTest, SaysNothingOfOnePairOfEqualDifferencesOrOfWhatIsNotFinite) {
  EXPECT_EQ(against_zero({3})->t_p, std::nullopt);
  EXPECT_EQ(against_zero({3, 3, 3})->t_p, std::nullopt);
  EXPECT_FALSE(against_zero({3, NAN}).has_value());
  EXPECT_FALSE(against_zero({}).has_value());
}

}  // namespace
}  // namespace hadal::launcher

#include "core/data/split.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/data/permutation.h"

namespace hadal::data {
namespace {

// `extra` of the images are counted apart; labels go round.
Dataset labels_only(std::int64_t train, std::int64_t extra, int classes) {
  Dataset set{.name = "made", .classes = classes};
  set.train.count = train + extra;
  set.official_train_count = train;
  for (std::int64_t i = 0; i < set.train.count; ++i)
    set.train.labels.push_back(static_cast<std::int32_t>(i % classes));
  return set;
}

TEST(Permutation, IsOneAndDependsOnItsStreamAlone) {
  const random::Stream stream{.seed = 3, .purpose = random::Purpose::kTest, .a = 5};
  auto order = permutation(1000, stream);
  EXPECT_EQ(order, permutation(1000, stream));
  EXPECT_NE(order, permutation(1000, {.seed = 3, .purpose = random::Purpose::kTest, .a = 6}));
  std::sort(order.begin(), order.end());
  EXPECT_EQ(order, all_indices(1000));
  EXPECT_TRUE(permutation(0, stream).empty());
}

TEST(Permutation, EveryPlaceIsEquallyLikely) {
  // Where element 0 of 8 lands over 8,000 draws: 1,000 each, five standard deviations of 30.
  std::vector<int> landed(8);
  for (std::uint64_t draw = 0; draw < 8000; ++draw) {
    const auto order = permutation(8, {.seed = 1, .purpose = random::Purpose::kTest, .a = draw});
    ++landed[static_cast<std::size_t>(std::find(order.begin(), order.end(), 0) - order.begin())];
  }
  for (const int count : landed) EXPECT_NEAR(count, 1000, 150);
}

TEST(Split, TakesTheAskedNumberAndLeavesTheRest) {
  const Dataset set = labels_only(100, 0, 10);
  const Split split = split_training_set(set, {.validation = 30, .seed = 7});
  EXPECT_EQ(split.validation.size(), 30u);
  std::vector<std::int64_t> both;
  std::merge(split.train.begin(), split.train.end(), split.validation.begin(),
             split.validation.end(), std::back_inserter(both));
  EXPECT_EQ(both, all_indices(100));
  EXPECT_EQ(split_training_set(set, {.validation = 30, .seed = 7}).validation, split.validation);
  EXPECT_NE(split_training_set(set, {.validation = 30, .seed = 8}).validation, split.validation);
  EXPECT_TRUE(split_training_set(set, {}).validation.empty());
}

TEST(Split, SvhnRuleTakes400And200OfEachClass) {
  const Dataset set = labels_only(5000, 3000, 10);
  const Split split = split_training_set(set, kSvhnSplit);
  std::vector<int> official(10), extra(10);
  for (const std::int64_t i : split.validation)
    ++(i < 5000 ? official : extra)[static_cast<std::size_t>(i % 10)];
  EXPECT_EQ(official, std::vector<int>(10, 400));
  EXPECT_EQ(extra, std::vector<int>(10, 200));
  EXPECT_EQ(split.train.size(), 2000u);
}

TEST(Split, ImpossibleSplitsAreRefused) {
  const Dataset set = labels_only(100, 0, 10);
  EXPECT_THROW(split_training_set(set, {.validation = 100}), ConfigError);
  EXPECT_THROW(split_training_set(set, {.validation = -1}), ConfigError);
  EXPECT_THROW(split_training_set(set, {.per_class = 10}), ConfigError);
  EXPECT_THROW(split_training_set(set, {.per_class = 11}), ConfigError);
  EXPECT_THROW(split_training_set(set, {.validation = 5, .per_class = 1}), ConfigError);
  EXPECT_THROW(split_training_set(set, kSvhnSplit), ConfigError);
}

}  // namespace
}  // namespace hadal::data

#include "dist/shard_tree.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "tests/dist/leaves.h"

namespace hadal::dist {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(ShardTree, TellsWhichRankCountsWouldDo) {
  EXPECT_THAT(allowed_rank_counts(1), ElementsAre(1));
  EXPECT_THAT(allowed_rank_counts(6), ElementsAre(1, 3, 6));
  EXPECT_THAT(allowed_rank_counts(8), ElementsAre(1, 2, 4, 8));
  EXPECT_THAT(allowed_rank_counts(12), ElementsAre(1, 3, 6, 12));
}

TEST(ShardTree, RefusesRanksThatWouldChangeTheTree) {
  EXPECT_NO_THROW(require_shardable(6, 3));
  EXPECT_THAT([] { require_shardable(6, 2); },
              ThrowsMessage<ConfigError>(AllOf(HasSubstr("logical_shards 6"), HasSubstr("2 ranks"),
                                               HasSubstr("use 1, 3 or 6 ranks"))));
  EXPECT_THAT([] { require_shardable(4, 8); },
              ThrowsMessage<ConfigError>(HasSubstr("use 1, 2 or 4 ranks")));
  EXPECT_THROW(require_shardable(0, 1), ConfigError);
}

TEST(ShardTree, LeavesAreSummedInTheOrderOfTheDefinition) {
  for (int count = 1; count <= 17; ++count) {
    std::vector<std::vector<float>> values;
    std::vector<float*> leaves;
    for (int i = 0; i < count; ++i) values.push_back(leaf(i, 5000));
    for (auto& v : values) leaves.push_back(v.data());
    tree_sum<float>(leaves, 5000);
    EXPECT_EQ(values[0], tree_sum_of_leaves(0, count, 5000)) << count << " leaves";
  }
}

TEST(ShardTree, TheOrderMattersForTheseLeaves) {
  auto left_to_right = leaf(0, 1000);
  for (int i = 1; i < 8; ++i) {
    const auto next = leaf(i, 1000);
    for (std::size_t j = 0; j < next.size(); ++j) left_to_right[j] += next[j];
  }
  EXPECT_NE(left_to_right, tree_sum_of_leaves(0, 8, 1000));
}

TEST(ShardAccumulator, OneRankSumsAnyNumberOfShardsAsTheTreeDoes) {
  for (int shards = 1; shards <= 17; ++shards) {
    ShardAccumulator accumulator(5000, shards);
    std::vector<float> buffer;
    for (int step = 0; step < 2; ++step) {
      accumulator.begin_step();
      for (int shard = 0; shard < shards; ++shard) {
        if (shard > 0) accumulator.next_shard();
        buffer = leaf(shard, 5000);
        accumulator.add(buffer.data(), 0, 4500);
        accumulator.add(buffer.data(), 4500, 500);
      }
      EXPECT_EQ(buffer, tree_sum_of_leaves(0, shards, 5000)) << shards << " shards";
    }
  }
}

TEST(ShardAccumulator, SlicesThatNobodyAddsStayAsTheyAre) {
  ShardAccumulator accumulator(10, 2);
  std::vector<float> buffer(10, 1.0f);
  accumulator.begin_step();
  accumulator.add(buffer.data(), 0, 4);
  accumulator.next_shard();
  accumulator.add(buffer.data(), 0, 4);
  EXPECT_THAT(buffer, ElementsAre(2, 2, 2, 2, 1, 1, 1, 1, 1, 1));
}

}  // namespace
}  // namespace hadal::dist

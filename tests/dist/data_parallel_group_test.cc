#include "dist/data_parallel_group.h"

#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "dist/thread_communicator.h"
#include "tests/dist/leaves.h"

namespace hadal::dist {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

using Extent = ReplicaBuffers::Extent;

// Seven parameters with padding between them, two statistics.
struct Model {
  std::vector<float> gradients = std::vector<float>(4096, 0.0f);
  std::vector<float> statistics = std::vector<float>(64, 0.0f);
  std::vector<Extent> entries = {{0, 100},    {112, 16},   {128, 1000}, {1136, 7},
                                 {1152, 600}, {1760, 500}, {2272, 1824}};
  std::vector<Extent> statistics_entries = {{0, 20}, {32, 32}};

  ReplicaBuffers buffers() { return {entries, gradients, statistics_entries, statistics}; }

  // What forward and backward of one shard would leave in the buffers.
  void run_shard(int step, int shard, const std::vector<std::uint8_t>& active) {
    const auto values = leaf(shard, 4096, 10 + step);
    for (std::size_t e = 0; e < entries.size(); ++e)
      if (active.empty() || active[e] != 0)
        std::copy_n(values.data() + entries[e].offset, entries[e].elements,
                    gradients.data() + entries[e].offset);
    const auto means = leaf(shard, 64, 20 + step);
    for (const Extent& e : statistics_entries)
      std::copy_n(means.data() + e.offset, e.elements, statistics.data() + e.offset);
  }
};

struct StepResult {
  std::vector<float> gradients, statistics;
  std::vector<double> totals;
  bool operator==(const StepResult&) const = default;
};

// Two steps of training on `ranks` threads; every rank must end with the same bits.
std::vector<StepResult> train(int ranks, int shards, const std::vector<std::uint8_t>& active,
                              std::int64_t bucket_bytes = 1024) {
  std::vector<std::vector<StepResult>> of_rank(static_cast<std::size_t>(ranks));
  run_ranks(ranks, [&](Communicator& comm) {
    DataParallelOptions options;
    options.logical_shards = shards;
    options.gradients.bucket_bytes = bucket_bytes;
    options.gradients.longest_message_bytes = 4000;
    options.all_reduce.whole_bytes = options.all_reduce.whole_bytes_of_two = 512;
    DataParallelGroup group(comm, options);
    Model model;
    group.attach(model.buffers());
    for (int step = 0; step < 2; ++step) {
      std::vector<double> rows, totals(2);
      group.begin_step(step, active, {});
      for (int shard = group.shards().first; shard < group.shards().last; ++shard) {
        model.run_shard(step, shard, active);
        for (int entry = 0; entry < 6; ++entry) {  // the last one is left to shard_done()
          group.ready(entry);
          group.poll();
        }
        group.shard_done();
        rows.push_back(leaf(shard, 7)[6]);
        rows.push_back(shard);
      }
      group.finish();
      group.sum_over_shards(rows, totals);
      of_rank[static_cast<std::size_t>(comm.rank())].push_back(
          {model.gradients, model.statistics, totals});
    }
  });
  EXPECT_THAT(of_rank, Each(of_rank[0]));
  return of_rank[0];
}

TEST(DataParallelGroup, TheBitsAreTheSameHoweverManyRanksShareTheShards) {
  for (const std::vector<std::uint8_t>& active :
       {std::vector<std::uint8_t>{}, std::vector<std::uint8_t>{1, 0, 0, 1, 1, 0, 1}}) {
    const auto alone = train(1, 8, active);
    for (const int ranks : {2, 4, 8}) EXPECT_EQ(train(ranks, 8, active), alone) << ranks;
    const auto alone_six = train(1, 6, active);
    for (const int ranks : {3, 6}) EXPECT_EQ(train(ranks, 6, active), alone_six) << ranks;
    EXPECT_NE(alone[0].gradients, alone_six[0].gradients);
  }
}

TEST(DataParallelGroup, GradientsAreTheTreeSumAndStatisticsTheMean) {
  const auto steps = train(4, 4, {});
  const Model model;
  for (int step = 0; step < 2; ++step) {
    const auto sum = tree_sum_of_leaves(0, 4, 4096, 10 + step);
    for (const Extent& e : model.entries)
      for (std::int64_t i = e.offset; i < e.offset + e.elements; ++i)
        ASSERT_EQ(steps[step].gradients[i], sum[i]) << "element " << i;
    const auto mean = tree_sum_of_leaves(0, 4, 64, 20 + step);
    for (const Extent& e : model.statistics_entries)
      for (std::int64_t i = e.offset; i < e.offset + e.elements; ++i)
        ASSERT_EQ(steps[step].statistics[i], mean[i] / 4.0f) << "element " << i;
    EXPECT_EQ(steps[step].totals[1], 0 + 1 + 2 + 3);
  }
}

TEST(DataParallelGroup, PaddingStaysZero) {
  const auto steps = train(4, 8, {});
  for (const std::int64_t i : {100, 111, 1128, 1143, 1752, 2260})
    EXPECT_EQ(steps[1].gradients[i], 0.0f) << "element " << i;
}

TEST(DataParallelGroup, TheSizeOfBucketsDoesNotChangeTheBits) {
  const std::vector<std::uint8_t> active = {1, 0, 1, 1, 0, 1, 1};
  EXPECT_EQ(train(4, 4, active, 1), train(4, 4, active, 1 << 20));
}

TEST(DataParallelGroup, ClosedGatesSendNothing) {
  run_ranks(2, [](Communicator& comm) {
    DataParallelGroup group(comm);
    Model model;
    group.attach(model.buffers());
    const auto bytes_of = [&](const std::vector<std::uint8_t>& active) {
      group.begin_step(0, active, std::vector<std::uint8_t>{0, 0});
      model.run_shard(0, comm.rank(), active);
      group.shard_done();
      group.finish();
      return group.step_bytes_sent();
    };
    // Two ranks send each element once.
    EXPECT_EQ(bytes_of({0, 0, 0, 0, 0, 0, 0}), 0);
    EXPECT_EQ(bytes_of({0, 0, 1, 0, 1, 0, 0}), 4 * (1000 + 600));
    EXPECT_EQ(bytes_of({1, 1, 1, 1, 1, 1, 1}), 4 * 4096);
  });
}

TEST(DataParallelGroup, ReadyEntriesTravelBeforeTheShardIsDone) {
  run_ranks(2, [](Communicator& comm) {
    DataParallelOptions options;
    options.gradients.bucket_bytes = 1;
    DataParallelGroup group(comm, options);
    Model model;
    group.attach(model.buffers());
    group.begin_step(0, {}, {});
    model.run_shard(0, comm.rank(), {});
    group.ready(2);
    const auto sum = tree_sum_of_leaves(0, 2, 1128, 10);
    // Nothing but poll() is called until the third entry is summed.
    while (model.gradients[1127] != sum[1127]) group.poll();
    group.shard_done();
    group.finish();
  });
}

TEST(DataParallelGroup, RanksAgreeOnFlagsAndLargestValues) {
  run_ranks(3, [](Communicator& comm) {
    DataParallelGroup group(comm);
    EXPECT_FALSE(group.any(false));
    EXPECT_TRUE(group.any(comm.rank() == 2));
    EXPECT_EQ(group.max(1.5 * comm.rank()), 3.0);
  });
}

TEST(DataParallelGroup, NamesTheReplicaThatDiffers) {
  run_ranks(3, [](Communicator& comm) {
    DataParallelGroup group(comm);
    EXPECT_NO_THROW(group.require_same(7, "plan"));
    try {
      group.require_same(comm.rank() == 1 ? 8 : 7, "parameters");
      ADD_FAILURE() << "nothing was thrown";
    } catch (const CommError& error) {
      EXPECT_EQ(error.exit_code(), ExitCode::kReplicasDiffer);
      EXPECT_THAT(error.what(),
                  AllOf(HasSubstr("parameters"), HasSubstr("rank 1 ("), Not(HasSubstr("rank 2"))));
    }
  });
}

TEST(DataParallelGroup, WithoutAMajorityAllReplicasAreNamed) {
  run_ranks(2, [](Communicator& comm) {
    DataParallelGroup group(comm);
    try {
      group.require_same(7 + static_cast<std::uint64_t>(comm.rank()), "parameters");
      ADD_FAILURE() << "nothing was thrown";
    } catch (const CommError& error) {
      EXPECT_EQ(error.exit_code(), ExitCode::kReplicasDiffer);
      EXPECT_THAT(error.what(), AllOf(HasSubstr("none has a majority"), HasSubstr("rank 0 ("),
                                      HasSubstr(", 1 (")));
    }
  });
}

TEST(DataParallelGroup, EveryReplicasValuesAndHostsComeByRank) {
  run_ranks(3, [](Communicator& comm) {
    DataParallelGroup group(comm);
    const double mine[] = {10.0 * comm.rank(), 0.5};
    EXPECT_THAT(group.gather(mine), ElementsAre(0, 0.5, 10, 0.5, 20, 0.5));
    EXPECT_THAT(group.hosts(), ElementsAre(comm.host(), comm.host(), comm.host()));
  });
}

TEST(DataParallelGroup, RefusesMoreRanksThanShards) {
  EXPECT_THROW(run_ranks(2,
                         [](Communicator& comm) {
                           DataParallelOptions options;
                           options.logical_shards = 1;
                           DataParallelGroup group(comm, options);
                         }),
               ConfigError);
}

}  // namespace
}  // namespace hadal::dist

#include "dist/exchange_cost.h"

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/layers/linear.h"
#include "dist/data_parallel_group.h"
#include "dist/thread_communicator.h"

namespace hadal::dist {
namespace {

/// Three layers, one of them longer than a bucket.
Graph net() {
  Graph graph;
  Value x = graph.input("x", {1, 900});
  x = linear(graph, "one", x, {.out = 800});
  x = linear(graph, "two", x, {.out = 30});
  linear(graph, "three", x, {.out = 10});
  return graph;
}

TEST(ExchangeCost, IsWhatARealExchangeSends) {
  const Graph graph = net();
  for (const int ranks : {2, 4}) {
    SCOPED_TRACE(ranks);
    std::int64_t sent = 0;
    run_ranks(ranks, [&](Communicator& comm) {
      const Parameters parameters(graph);
      DataParallelGroup group(comm, {.logical_shards = 4});
      group.attach(replica_buffers(parameters));
      group.begin_step(0, {}, {});
      for (int shard = 0; shard < group.shards().size(); ++shard) group.shard_done();
      group.finish();
      if (comm.rank() == 0) sent = group.step_bytes_sent();
    });
    const Parameters parameters(graph);
    const ExchangeCost cost = exchange_cost(parameters, ranks, 4);
    // Beside gradients and statistics: four sums of metrics to every other rank.
    EXPECT_EQ(cost.bytes, sent + 4 * 8 * (ranks - 1));
    EXPECT_GT(cost.messages, 2 * (ranks - 1));
  }
}

TEST(ExchangeCost, ARankAloneSendsNothing) {
  const Graph graph = net();
  const Parameters parameters(graph);
  EXPECT_EQ(exchange_cost(parameters, 1, 8).bytes, 0);
  EXPECT_EQ(exchange_cost(parameters, 1, 8).messages, 0);
}

TEST(ExchangeCost, ShardsThatCannotBeSpreadAreRefused) {
  const Graph graph = net();
  const Parameters parameters(graph);
  EXPECT_THROW(exchange_cost(parameters, 3, 4), ConfigError);
}

}  // namespace
}  // namespace hadal::dist

#include "dist/ordered_all_reduce.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "dist/self_communicator.h"
#include "dist/thread_communicator.h"
#include "tests/dist/leaves.h"

namespace hadal::dist {
namespace {

TEST(OrderedAllReduce, GivesTheBitsOfTheSerialTreeForAnyRanksAndLengths) {
  for (const int ranks : {1, 2, 3, 4, 5, 8}) {
    for (const std::int64_t elements : {0, 1, 17, 1000, 40'001}) {
      const auto expected = tree_sum_of_leaves(0, ranks, elements);
      run_ranks(ranks, [&](Communicator& comm) {
        OrderedAllReduce all_reduce(comm);
        auto values = leaf(comm.rank(), elements);
        all_reduce.wait(all_reduce.start(values));
        EXPECT_EQ(values, expected) << ranks << " ranks, " << elements << " elements";
      });
    }
  }
}

TEST(OrderedAllReduce, WholeAndSlicedTravelGiveTheSameBits) {
  for (const int ranks : {2, 3, 4}) {
    for (const std::size_t whole_bytes : {std::size_t{0}, std::size_t{1} << 30}) {
      run_ranks(ranks, [&](Communicator& comm) {
        OrderedAllReduce all_reduce(
            comm, {.whole_bytes = whole_bytes, .whole_bytes_of_two = whole_bytes});
        auto values = leaf(comm.rank(), 1003);
        all_reduce.wait(all_reduce.start(values));
        EXPECT_EQ(values, tree_sum_of_leaves(0, ranks, 1003));
      });
    }
  }
}

TEST(OrderedAllReduce, SumsDoublesToo) {
  run_ranks(3, [](Communicator& comm) {
    OrderedAllReduce all_reduce(comm);
    std::vector<double> values = {1.0 + comm.rank(), 0.25};
    all_reduce.wait(all_reduce.start(values));
    EXPECT_EQ(values, (std::vector<double>{6.0, 0.75}));
  });
}

TEST(OrderedAllReduce, SumsWholeNumbersExactly) {
  for (const std::size_t whole_bytes : {std::size_t{0}, std::size_t{1} << 20}) {
    run_ranks(3, [&](Communicator& comm) {
      OrderedAllReduce all_reduce(comm, {.whole_bytes = whole_bytes});
      std::vector<std::int64_t> values(100, (std::int64_t{1} << 60) + comm.rank());
      all_reduce.wait(all_reduce.start(values));
      EXPECT_EQ(values, std::vector<std::int64_t>(100, 3 * (std::int64_t{1} << 60) + 3));
    });
  }
}

TEST(OrderedAllReduce, ManyUnderWayAreMatchedByTheirOrder) {
  constexpr int kMany = 40;
  run_ranks(4, [](Communicator& comm) {
    OrderedAllReduce all_reduce(comm, {.whole_bytes = 256, .in_flight = 3});
    std::vector<std::vector<float>> values;
    std::vector<OrderedAllReduce::Ticket> tickets;
    for (int i = 0; i < kMany; ++i) values.push_back(leaf(comm.rank(), 10 + 37 * i, 100 + i));
    for (auto& v : values) tickets.push_back(all_reduce.start(v));
    // Each rank waits in another order.
    std::rotate(tickets.begin(), tickets.begin() + 7 * comm.rank(), tickets.end());
    for (const auto ticket : tickets) all_reduce.wait(ticket);
    for (int i = 0; i < kMany; ++i)
      EXPECT_EQ(values[i], tree_sum_of_leaves(0, 4, 10 + 37 * i, 100 + i)) << "number " << i;
  });
}

TEST(OrderedAllReduce, SendsWhatARingSends) {
  for (const int ranks : {2, 4}) {
    run_ranks(ranks, [&](Communicator& comm) {
      OrderedAllReduce all_reduce(comm);
      std::vector<float> values(1 << 16, 1.0f);
      all_reduce.wait(all_reduce.start(values));
      const std::int64_t bytes = static_cast<std::int64_t>(values.size() * sizeof(float));
      EXPECT_EQ(all_reduce.bytes_sent(), 2 * bytes * (ranks - 1) / ranks);
    });
  }
}

TEST(OrderedAllReduce, LengthsThatDifferBetweenRanksAreAnErrorAndNotAHang) {
  EXPECT_THROW(run_ranks(2,
                         [](Communicator& comm) {
                           OrderedAllReduce all_reduce(comm);
                           std::vector<float> values(comm.rank() == 0 ? 100 : 50);
                           all_reduce.wait(all_reduce.start(values));
                         }),
               CommError);
}

TEST(OrderedAllReduce, AGroupOfOneIsDoneAtOnceAndSendsNothing) {
  const auto comm = make_self_communicator();
  OrderedAllReduce all_reduce(*comm);
  auto values = leaf(0, 100);
  const auto ticket = all_reduce.start(values);
  EXPECT_TRUE(all_reduce.done(ticket));
  EXPECT_EQ(values, leaf(0, 100));
  EXPECT_EQ(all_reduce.bytes_sent(), 0);
}

}  // namespace
}  // namespace hadal::dist

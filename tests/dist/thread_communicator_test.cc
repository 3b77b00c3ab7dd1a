#include "dist/thread_communicator.h"

#include <cstring>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "dist/self_communicator.h"

namespace hadal::dist {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

void wait(Communicator& comm, Request& request) {
  while (!request.test()) comm.relax();
}

TEST(ThreadCommunicator, EveryRankGathersWhatEveryRankSaid) {
  run_ranks(4, [](Communicator& comm) {
    const std::string mine(static_cast<std::size_t>(comm.rank()), 'x');
    EXPECT_THAT(comm.all_gather(mine), ElementsAre("", "x", "xx", "xxx"));
  });
}

TEST(ThreadCommunicator, BroadcastBringsTheRootsBytes) {
  run_ranks(3, [](Communicator& comm) {
    for (int root = 0; root < 3; ++root) {
      int value = 10 * comm.rank();
      comm.broadcast(std::as_writable_bytes(std::span(&value, 1)), root);
      EXPECT_EQ(value, 10 * root);
    }
  });
}

TEST(ThreadCommunicator, AllReduceKnowsMinMaxAndSum) {
  run_ranks(3, [](Communicator& comm) {
    const double value = comm.rank() + 0.5;
    EXPECT_EQ(comm.all_reduce(value, ReduceOp::kMin), 0.5);
    EXPECT_EQ(comm.all_reduce(value, ReduceOp::kMax), 2.5);
    EXPECT_EQ(comm.all_reduce(value, ReduceOp::kSum), 4.5);
    EXPECT_EQ(comm.all_reduce(std::int64_t{comm.rank()}, ReduceOp::kSum), 3);
  });
}

TEST(ThreadCommunicator, MessagesOfOneTagMatchInTheOrderInWhichReceivesWerePosted) {
  run_ranks(2, [](Communicator& comm) {
    int first = 1, second = 2;
    const auto bytes = [](int& value) { return std::as_writable_bytes(std::span(&value, 1)); };
    if (comm.rank() == 0) {
      const auto a = comm.start_send(bytes(first), 1, 7);
      const auto b = comm.start_send(bytes(second), 1, 7);
      wait(comm, *a);
      wait(comm, *b);
    } else {
      int x = 0, y = 0;
      const auto a = comm.start_receive(bytes(x), 0, 7);
      const auto b = comm.start_receive(bytes(y), 0, 7);
      wait(comm, *b);
      wait(comm, *a);
      EXPECT_EQ(x, 1);
      EXPECT_EQ(y, 2);
    }
  });
}

TEST(ThreadCommunicator, AMessageOfAnotherSizeIsRefused) {
  EXPECT_THROW(run_ranks(2,
                         [](Communicator& comm) {
                           std::vector<std::byte> bytes(comm.rank() == 0 ? 8 : 4);
                           if (comm.rank() == 0)
                             wait(comm, *comm.start_send(bytes, 1, 0));
                           else
                             wait(comm, *comm.start_receive(bytes, 0, 0));
                         }),
               OutOfStepError);
}

TEST(ThreadCommunicator, AnExceptionInOneRankEndsAllAndIsRethrown) {
  for (const bool in_barrier : {true, false}) {
    try {
      run_ranks(3, [&](Communicator& comm) {
        if (comm.rank() == 1) throw std::runtime_error("disk is full");
        std::byte nothing{};
        if (in_barrier)
          comm.barrier();
        else
          wait(comm, *comm.start_receive(std::span(&nothing, 1), 1, 0));
      });
      FAIL() << "nothing was thrown";
    } catch (const std::exception& error) {
      EXPECT_STREQ(error.what(), "disk is full");
    }
  }
}

TEST(SelfCommunicator, IsANormalGroupOfOne) {
  const auto comm = make_self_communicator();
  EXPECT_EQ(comm->rank(), 0);
  EXPECT_EQ(comm->size(), 1);
  EXPECT_FALSE(comm->host().empty());
  comm->barrier();
  EXPECT_THAT(comm->all_gather("x"), ElementsAre("x"));
  EXPECT_EQ(comm->all_reduce(2.5, ReduceOp::kSum), 2.5);
}

}  // namespace
}  // namespace hadal::dist

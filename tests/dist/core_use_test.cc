#include "dist/core_use.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dist/thread_communicator.h"

namespace hadal::dist {
namespace {

TEST(CoreUse, CountsTheThreadsOfAllRanksOfThisMachine) {
  run_ranks(3, [](Communicator& comm) {
    const CoreUse use = core_use(comm, 1);
    EXPECT_EQ(use.ranks, 3);
    EXPECT_GE(use.cores, 1);
    EXPECT_EQ(use.oversubscribed(), use.cores < 3);
    EXPECT_TRUE(core_use(comm, use.cores).oversubscribed());
  });
}

TEST(CoreUse, SaysHowManyRanksWouldDo) {
  const CoreUse use{.ranks = 4, .threads = 2, .cores = 6};
  EXPECT_THAT(use.warning("n1"), ::testing::HasSubstr("start at most 3 here"));
}

}  // namespace
}  // namespace hadal::dist

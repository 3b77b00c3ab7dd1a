#include "launcher/exit_reason.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hadal::launcher {
namespace {

using testing::HasSubstr;

std::vector<Attempt> attempts(int count, Attempt attempt) { return {std::size_t(count), attempt}; }

TEST(ExitReason, EveryCodeHasItsWord) {
  EXPECT_THAT(describe_exit(78), HasSubstr("configuration"));
  EXPECT_THAT(describe_exit(137), HasSubstr("signal 9 (Killed)"));
  EXPECT_THAT(describe_exit(139), HasSubstr("signal 11"));
  EXPECT_THAT(describe_exit(205), HasSubstr("lost a host"));
  EXPECT_EQ(describe_exit(42), "exit code 42");
}

TEST(Retry, AKilledRankIsTriedThreeTimesEverLater) {
  EXPECT_TRUE(decide_retry(attempts(1, {.exit_code = 137}), 3).again);
  EXPECT_EQ(decide_retry(attempts(1, {.exit_code = 137}), 3).wait_s, 1);
  EXPECT_EQ(decide_retry(attempts(2, {.exit_code = 137}), 3).wait_s, 4);
  const RetryDecision third = decide_retry(attempts(3, {.exit_code = 137}), 3);
  EXPECT_FALSE(third.again);
  EXPECT_EQ(third.why, "3 attempts without progress");
}

TEST(Retry, ACheckpointFurtherOnRefreshesTheBudget) {
  std::vector<Attempt> history = attempts(3, {.exit_code = 137, .checkpoint = "a"});
  history.push_back({.exit_code = 137, .checkpoint = "b"});
  EXPECT_TRUE(decide_retry(history, 3).again);
  EXPECT_EQ(decide_retry(history, 3).wait_s, 1);
}

TEST(Retry, ACrashAtTheSameStepTwiceIsAProgramFault) {
  const std::vector<Attempt> same = attempts(2, {.exit_code = 139, .step = 40});
  EXPECT_FALSE(decide_retry(same, 3).again);
  EXPECT_EQ(decide_retry(same, 3).why, "crashed twice at step 40");
  const std::vector<Attempt> other = {{139, "", 40}, {139, "", 41}};
  EXPECT_TRUE(decide_retry(other, 3).again);
}

TEST(Retry, HangsAndMemoryGetTwoAttempts) {
  for (const int code : {85, 88}) {
    EXPECT_TRUE(decide_retry(attempts(1, {.exit_code = code}), 3).again);
    EXPECT_FALSE(decide_retry(attempts(2, {.exit_code = code}), 3).again);
  }
}

TEST(Retry, WhatWouldOnlyRepeatItselfIsNotTriedAgain) {
  for (const int code : {0, 1, 3, 64, 65, 66, 70, 73, 74, 77, 78, 86, 87, 127})
    EXPECT_FALSE(decide_retry(attempts(1, {.exit_code = code}), 3).again) << code;
}

}  // namespace
}  // namespace hadal::launcher

#include "launcher/tools.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/clock.h"
#include "core/base/error.h"

namespace hadal::launcher {
namespace {

TEST(Tools, GivesBackWhatAProgramSaysAndItsExitCode) {
  SystemTools tools;
  const ToolOutput answer = tools.call({"sh", "-c", "cat; echo no >&2; exit 3"}, "yes");
  EXPECT_EQ(answer.out, "yes");
  EXPECT_EQ(answer.err, "no\n");
  EXPECT_EQ(answer.exit_code, 3);
  EXPECT_EQ(tools.call({"sh", "-c", "kill -9 $$"}).exit_code, 137);
}

TEST(Tools, ALotInBothDirectionsDoesNotBlock) {
  const std::string much(1 << 20, 'x');
  EXPECT_EQ(SystemTools().call({"cat"}, much).out, much);
  EXPECT_TRUE(SystemTools().call({"true"}, much).ok()) << "that nobody reads it is no error";
}

TEST(Tools, ArgumentsAreNotSeenByAShell) {
  EXPECT_EQ(SystemTools().call({"printf", "%s", "$(id) `id` ; 'x'"}).out, "$(id) `id` ; 'x'");
}

TEST(Tools, WhatTakesTooLongIsEnded) {
  const SystemClock clock;
  const double began = clock.now_s();
  const ToolOutput answer = SystemTools().call({"sleep", "100"}, {}, 0.1);
  EXPECT_EQ(answer.exit_code, 124);
  EXPECT_EQ(answer.complaint(), "no answer in time");
  EXPECT_LT(clock.now_s() - began, 20);
}

TEST(Tools, AProgramThatIsNotThereIsAnError) {
  EXPECT_THROW(SystemTools().call({"no-such-program"}), IoError);
}

TEST(Tools, AComplaintIsTheLastPartOfItsFirstLine) {
  EXPECT_EQ((ToolOutput{.exit_code = 1, .err = "sbatch: error: no room\nmore\n"}).complaint(),
            "no room");
  EXPECT_EQ((ToolOutput{.exit_code = 7}).complaint(), "exit code 7");
}

}  // namespace
}  // namespace hadal::launcher

#include "dist/watchdog.h"

#include <csignal>
#include <cstring>
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/files.h"
#include "core/base/hash.h"

namespace hadal::dist {
namespace {

using ::testing::AllOf;
using ::testing::ExitedWithCode;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kNow = 10'000 * kSecond;

Beat beat(int pid, Phase phase, const char* operation, std::int64_t collectives, double since_s) {
  Beat b;
  b.state = Beat::State::kRunning;
  b.pid = pid;
  b.phase = phase;
  b.around = Phase::kCompute;
  b.step = 812;
  b.collectives = collectives;
  b.since_ns = b.progress_ns = kNow - static_cast<std::int64_t>(since_s * kSecond);
  b.wait = hash64(operation);
  std::strncpy(b.operation.data(), operation, b.operation.size() - 1);
  return b;
}

// Three ranks on two hosts; rank 0 looks, rank 2 (pid 102) has not come to the all-reduce.
Observation hang(double waited_s, double silent_s) {
  Observation seen;
  seen.beats = {beat(100, Phase::kCollective, "all-reduce bucket", 5, waited_s),
                beat(101, Phase::kCollective, "all-reduce bucket", 5, waited_s),
                beat(102, Phase::kCompute, "res4b.conv1", 4, silent_s)};
  seen.hosts = {"n1", "n1", "n1"};
  seen.now_ns = kNow;
  seen.process_state = [](std::int32_t) { return std::string("sleeping"); };
  return seen;
}

TEST(Judge, NamesTheRankThatDidNotComeItsHostAndWhatItDid) {
  const auto verdict = judge(hang(121, 130), {});
  ASSERT_TRUE(verdict.has_value());
  EXPECT_EQ(verdict->code, ExitCode::kHang);
  EXPECT_EQ(verdict->silent_rank, 2);
  EXPECT_THAT(verdict->line,
              AllOf(HasSubstr("rank 2 (n1, pid 102) did not enter \"all-reduce bucket\""),
                    HasSubstr("step 812"), HasSubstr("res4b.conv1"), HasSubstr("121.0 s")));
  EXPECT_THAT(verdict->line, Not(HasSubstr("\n")));
}

TEST(Whereabouts, SaysWhatEveryRankDoesThatCanBeSeen) {
  Observation seen = hang(1, 1);
  seen.beats.push_back({});
  EXPECT_EQ(whereabouts(seen),
            "rank 0 (n1, pid 100), rank 1 (n1, pid 101): collective \"all-reduce bucket\" at step "
            "812; rank 2 (n1, pid 102): compute \"res4b.conv1\" at step 812");
}

TEST(Judge, WaitsUntilTheLimitTimesPatience) {
  EXPECT_FALSE(judge(hang(59, 500), {}).has_value());
  EXPECT_TRUE(judge(hang(61, 500), {}).has_value());
  WatchdogOptions patient;
  patient.patience = 3;
  EXPECT_FALSE(judge(hang(179, 500), patient).has_value());
  EXPECT_TRUE(judge(hang(181, 500), patient).has_value());
}

TEST(Judge, ARankThatIsLateButAliveIsWaitedFor) {
  EXPECT_FALSE(judge(hang(1000, 1), {}).has_value());
}

TEST(Judge, AStoppedRankIsNotGivenTheTimeOfALongOperation) {
  Observation seen = hang(61, 70);
  EXPECT_FALSE(judge(seen, {}).has_value());
  seen.process_state = [](std::int32_t pid) { return pid == 102 ? "stopped" : "sleeping"; };
  ASSERT_TRUE(judge(seen, {}).has_value());
  EXPECT_EQ(judge(seen, {})->silent_rank, 2);
}

TEST(Judge, ARankStoppedWhileItWaitedWithTheOthersIsNamed) {
  Observation seen = hang(61, 61);
  seen.beats[2] = beat(102, Phase::kCollective, "all-reduce bucket", 5, 61);
  seen.process_state = [](std::int32_t pid) { return pid == 102 ? "stopped" : "sleeping"; };
  const auto verdict = judge(seen, {});
  ASSERT_TRUE(verdict.has_value());
  EXPECT_EQ(verdict->silent_rank, 2);
  EXPECT_THAT(verdict->line, HasSubstr("rank 2 (n1, pid 102) is stopped in collective"));
}

TEST(Judge, WhoWaitsForACheckpointMayWaitAsLongAsOneTakes) {
  Observation seen = hang(500, 500);
  seen.beats[0].around = Phase::kCheckpoint;
  EXPECT_FALSE(judge(seen, {}).has_value());
}

TEST(Judge, ARankOnAnotherMachineIsNamedByItsHost) {
  Observation seen = hang(61, 500);
  seen.beats[2] = Beat();
  seen.hosts[2] = "n2";
  const auto verdict = judge(seen, {});
  ASSERT_TRUE(verdict.has_value());
  EXPECT_EQ(verdict->silent_rank, -1);
  EXPECT_THAT(verdict->line,
              HasSubstr("no rank of this machine is missing, so look at rank 2 (n2)"));
}

TEST(Judge, RanksThatWaitForDifferentThingsAreAProgramThatLostItsWay) {
  Observation seen = hang(61, 500);
  seen.beats[2] = beat(102, Phase::kCollective, "barrier", 5, 61);
  ASSERT_TRUE(judge(seen, {}).has_value());
  EXPECT_THAT(judge(seen, {})->line, HasSubstr("rank 2 (n1, pid 102) entered \"barrier\" of step 812 instead"));
}

TEST(Judge, ARankThatGotFurtherInTheSameWaitIsNotAccused) {
  Observation seen = hang(61, 500);
  seen.beats[1] = seen.beats[0];
  std::strcpy(seen.beats[1].operation.data(), "all-reduce statistics");
  seen.beats[2] = Beat();
  seen.hosts[2] = "n2";
  EXPECT_THAT(judge(seen, {}).value().line, HasSubstr("look at rank 2 (n2)"));
}

TEST(Judge, ADeadProcessEndsTheJobAtOnce) {
  Observation seen = hang(0.1, 0.1);
  seen.process_state = [](std::int32_t pid) { return pid == 102 ? "gone" : "sleeping"; };
  const auto verdict = judge(seen, {});
  ASSERT_TRUE(verdict.has_value());
  EXPECT_EQ(verdict->code, ExitCode::kPeerLost);
  EXPECT_THAT(verdict->line, HasSubstr("rank 2 (n1, pid 102) is gone"));
}

TEST(Judge, ARankThatEndedInOrderIsNotMourned) {
  Observation seen = hang(0.1, 0.1);
  seen.beats[2].state = Beat::State::kEnded;
  seen.process_state = [](std::int32_t pid) { return pid == 102 ? "gone" : "sleeping"; };
  EXPECT_FALSE(judge(seen, {}).has_value());
}

TEST(Judge, ARankStuckInItsOwnWorkNamesItself) {
  Observation seen = hang(1, 1);
  seen.beats[0] = beat(100, Phase::kData, "load batch", 5, 61);
  const auto verdict = judge(seen, {});
  ASSERT_TRUE(verdict.has_value());
  EXPECT_EQ(verdict->silent_rank, 0);
  EXPECT_THAT(verdict->line, HasSubstr("no progress for 61.0 s in data \"load batch\""));
}

TEST(Judge, TimeInWhichTheWholeJobWasStoppedDoesNotCount) {
  Observation seen = hang(5000, 5000);
  seen.resumed_ns = kNow - 3 * kSecond;
  EXPECT_FALSE(judge(seen, {}).has_value());
}

TEST(ProcessState, TellsRunningStoppedAndGone) {
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  int status = 0;
  ::kill(child, SIGSTOP);
  ::waitpid(child, &status, WUNTRACED);
  EXPECT_EQ(process_state(child), "stopped");
  ::kill(child, SIGKILL);
  ::waitpid(child, &status, 0);
  EXPECT_EQ(process_state(child), "gone");
  EXPECT_EQ(process_state(::getpid()), "running");
}

TEST(WatchdogDeathTest, EndsAProcessThatHangsAndLeavesItsLastWords) {
  ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  const auto hang_for_ever = [] {
    HeartbeatBoard board(1, "");
    Heartbeat heartbeat(board, 0);
    WatchdogOptions options;
    options.patience = 0.001;
    options.period_s = 0.01;
    options.run_folder = ".";
    heartbeat.set_step(3);
    heartbeat.enter(Phase::kCompute, "conv1");
    const Watchdog watchdog(board, 0, options);
    for (;;) ::pause();
  };
  EXPECT_EXIT(hang_for_ever(), ExitedWithCode(85),
              "made no progress .* in compute \"conv1\" of step 3");
  EXPECT_THAT(read_file("rank0.last.json"),
              AllOf(HasSubstr("\"operation\": \"conv1\""), HasSubstr("\"exit_code\": 85")));
  std::filesystem::remove("rank0.last.json");
}

TEST(Watchdog, LeavesAHealthyProcessAlone) {
  HeartbeatBoard board(1, "");
  Heartbeat heartbeat(board, 0);
  WatchdogOptions options;
  options.patience = 0.005;  // 600 ms for kInit
  options.period_s = 0.001;
  const Watchdog watchdog(board, 0, options);
  for (int i = 0; i < 160; ++i) {
    ::usleep(5000);
    heartbeat.beat();
  }
}

}  // namespace
}  // namespace hadal::dist

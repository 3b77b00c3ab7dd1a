#include "dist/heartbeat.h"

#include <atomic>
#include <string>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace hadal::dist {
namespace {

TEST(Heartbeat, TheBoardShowsWhatEachRankDoes) {
  HeartbeatBoard board(2, "");
  Heartbeat heartbeat(board, 1);
  heartbeat.set_step(7);
  heartbeat.enter(Phase::kCompute, "conv1", 3);
  const Beat beat = board.read(1);
  EXPECT_EQ(beat.state, Beat::State::kRunning);
  EXPECT_EQ(beat.pid, ::getpid());
  EXPECT_EQ(beat.step, 7);
  EXPECT_EQ(beat.describe(), "conv1 3");
  EXPECT_EQ(board.read(0).state, Beat::State::kAbsent);
}

TEST(Heartbeat, ALongNameIsCutAndNotWrittenBeyondItsPlace) {
  HeartbeatBoard board(1, "");
  Heartbeat heartbeat(board, 0);
  heartbeat.enter(Phase::kCompute, std::string(500, 'x'));
  EXPECT_EQ(board.read(0).describe(), std::string(47, 'x'));
}

TEST(Heartbeat, WaitsAreCountedAndGiveBackWhatWasBefore) {
  HeartbeatBoard board(1, "");
  Heartbeat heartbeat(board, 0);
  heartbeat.enter(Phase::kCheckpoint, "save");
  {
    Heartbeat::Waiting outer(&heartbeat, "finish");
    const Heartbeat::Waiting inner(&heartbeat, "barrier");
    const Beat beat = board.read(0);
    EXPECT_EQ(beat.phase, Phase::kCollective);
    EXPECT_EQ(beat.around, Phase::kCheckpoint);
    EXPECT_EQ(beat.describe(), "finish");
    EXPECT_EQ(beat.collectives, 1);
  }
  EXPECT_EQ(board.read(0).describe(), "save");
  EXPECT_EQ(board.read(0).phase, Phase::kCheckpoint);
  const Heartbeat::Waiting next(&heartbeat, "barrier");
  EXPECT_EQ(board.read(0).collectives, 2);
}

TEST(Heartbeat, SaysThatItEnded) {
  HeartbeatBoard board(1, "");
  { const Heartbeat heartbeat(board, 0); }
  EXPECT_EQ(board.read(0).state, Beat::State::kEnded);
}

TEST(HeartbeatBoard, AReaderNeverSeesHalfABeat) {
  HeartbeatBoard board(1, "");
  Heartbeat heartbeat(board, 0);
  heartbeat.enter(Phase::kCompute, "0", 0);
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (std::int64_t i = 0; !stop; ++i)
      heartbeat.enter(Phase::kCompute, fmt::format("{0}{0}{0}{0}", i % 10), i % 10);
  });
  for (int i = 0; i < 20'000; ++i) {
    const Beat beat = board.read(0);
    for (int k = 0; k < 4 && beat.operation[k] != 0; ++k)
      ASSERT_EQ(beat.operation[k] - '0', beat.number);
  }
  stop = true;
  writer.join();
}

TEST(HeartbeatBoard, IsSharedBetweenProcessesAndLeavesNothingBehind) {
  const std::string name = fmt::format("/hadal-test-{}", ::getpid());
  HeartbeatBoard board(2, name);
  const pid_t child = ::fork();
  if (child == 0) {
    HeartbeatBoard same(2, name);
    Heartbeat heartbeat(same, 1);
    heartbeat.enter(Phase::kData, "load");
    ::_exit(same.claim_report() ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(board.read(1).describe(), "load");
  EXPECT_EQ(board.read(1).pid, child);
  EXPECT_FALSE(board.claim_report());
  EXPECT_EQ(::access(("/dev/shm" + name).c_str(), F_OK), 0);
  board.unlink();
  EXPECT_NE(::access(("/dev/shm" + name).c_str(), F_OK), 0);
}

}  // namespace
}  // namespace hadal::dist

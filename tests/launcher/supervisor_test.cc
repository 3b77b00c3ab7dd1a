// One run claimed by several: which of them may go on, with processes and time that only the test
// moves.
#include "launcher/supervisor.h"

#include <csignal>
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/files.h"
#include "launcher/run_store.h"

namespace hadal::launcher {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

// Ends mpirun when told; the hands of the clock move by sleeping, and things happen then.
class World final : public Processes, public Clock {
 public:
  int start(const ProcessSpec& spec) override {
    specs.push_back(spec);
    return 1;
  }
  std::optional<int> try_wait(int) override { return exit_code; }
  void send_signal(int pid, int signal) override {
    sent.emplace_back(pid, signal);
    if (signal == SIGKILL) std::erase(marked, pid);
    if (signal == SIGUSR1) exit_code = 75;
  }
  std::vector<int> find_marked(const std::string&, const std::string&) override { return marked; }
  double now_s() const override { return now; }
  void sleep(double seconds) override {
    now += seconds;
    if (happens) happens();
  }

  std::vector<ProcessSpec> specs;
  std::optional<int> exit_code;
  std::vector<std::pair<int, int>> sent;
  std::vector<int> marked;
  double now = 0;
  std::function<void()> happens;
};

class SupervisorTest : public testing::Test {
 protected:
  Supervisor supervisor() {
    return Supervisor({.id = "36", .folder = root.path(), .command = {"hadal"}, .ranks = 2},
                      {.scratch = root.path(), .silence_limit_s = 30}, world, world,
                      [this] { return signal; });
  }
  void at(double seconds, std::function<void()> act) {
    world.happens = [this, seconds, act = std::move(act)] {
      if (world.now >= seconds) act();
    };
  }

  TemporaryFolder root;
  World world;
  int signal = 0;
};

TEST_F(SupervisorTest, RunsTheRanksAndSaysHowTheyEnded) {
  world.exit_code = 78;
  EXPECT_EQ(supervisor().run(), 78);
  const auto claims = read_claims(root.path());
  ASSERT_EQ(claims.size(), 1u);
  EXPECT_EQ(claims[0].job, "36");
  EXPECT_EQ(claims[0].exit_code, 78);
  EXPECT_THAT(world.specs[0].environment, Contains(Pair("HADAL_ATTEMPT", "1")));
  EXPECT_EQ(world.specs[0].signal_when_orphaned, SIGUSR1);
}

TEST_F(SupervisorTest, PassesTheWishToStopOn) {
  at(5, [&] { signal = SIGUSR2; });
  EXPECT_EQ(supervisor().run(), 75);
  EXPECT_THAT(world.sent, testing::ElementsAre(Pair(1, SIGUSR1)));
}

TEST_F(SupervisorTest, EndsWhatMpirunLeftBehind) {
  world.exit_code = 137;
  world.marked = {50};
  EXPECT_EQ(supervisor().run(), 137);
  EXPECT_THAT(world.sent, Contains(Pair(50, SIGKILL)));
}

TEST_F(SupervisorTest, EndsAnMpirunThatOutlivesTheLastWordsOfItsRanks) {
  write_file_atomically(root.path() / "rank0.last.json", R"({"reason":"of an attempt before"})");
  at(3, [&] {
    if (!fs::exists(root.path() / "rank1.last.json"))
      write_file_atomically(root.path() / "rank1.last.json", "{}");
    if (!world.sent.empty() && world.sent.back().second == SIGKILL) world.exit_code = 137;
  });
  EXPECT_EQ(supervisor().run(), 85) << "a hang, whatever became of mpirun";
  EXPECT_THAT(world.sent, testing::ElementsAre(Pair(1, SIGTERM), Pair(1, SIGKILL)));
  EXPECT_FALSE(fs::exists(root.path() / "rank0.last.json"));
}

TEST_F(SupervisorTest, RanksMayBeStartedBySrun) {
  world.exit_code = 0;
  Supervisor by_srun({.id = "36", .folder = root.path(), .command = {"hadal", "train"}, .ranks = 2},
                     {.srun = true, .scratch = root.path()}, world, world, [] { return 0; });
  EXPECT_EQ(by_srun.run(), 0);
  const std::vector<std::string>& arguments = world.specs[0].arguments;
  EXPECT_EQ(arguments[0], "srun");
  EXPECT_THAT(arguments, Contains("--kill-on-bad-exit=1")) << "else the others wait for ever";
  EXPECT_EQ(arguments.back(), "train");
}

TEST_F(SupervisorTest, WaitsForAnEarlierAttemptToLeave) {
  Claim earlier(root.path(), "35");
  at(0, [&] {
    earlier.beat();
    if (world.now > 200) release_claim(root.path(), earlier.number(), 75);
    if (world.now < 200) {
      EXPECT_THAT(world.specs, IsEmpty());
    }
    if (!world.specs.empty()) world.exit_code = 0;
  });
  EXPECT_EQ(supervisor().run(), 0);
  EXPECT_GT(world.now, 200);
}

TEST_F(SupervisorTest, GoesOnWhenAnEarlierAttemptHasFallenSilent) {
  const Claim earlier(root.path(), "35");
  world.exit_code = 0;
  EXPECT_EQ(supervisor().run(), 0);
  EXPECT_GE(world.now, 30);
  EXPECT_LT(world.now, 40);
}

TEST_F(SupervisorTest, GivesWayToALaterAttempt) {
  Supervisor first = supervisor();
  std::optional<Claim> later;
  at(3, [&] {
    if (!later) later.emplace(root.path(), "36");
  });
  world.marked = {50};
  EXPECT_THROW(first.run(), Superseded);
  EXPECT_THAT(world.sent, Contains(Pair(1, SIGKILL))) << "not drained: the folder is another's";
  EXPECT_THAT(world.sent, Contains(Pair(50, SIGKILL)));
  EXPECT_TRUE(read_claims(root.path())[0].exit_code) << "the later one need not wait";
}

TEST_F(SupervisorTest, AFinishedRunIsNotRunAgain) {
  RunResult result;
  write_result(root.path(), result);
  EXPECT_EQ(supervisor().run(), 0);
  EXPECT_THAT(world.specs, IsEmpty());
}

TEST_F(SupervisorTest, AWishToStopWhileItWaitsStartsNothing) {
  Claim earlier(root.path(), "35");
  at(5, [&] {
    earlier.beat();
    signal = SIGTERM;
  });
  EXPECT_EQ(supervisor().run(), 75);
  EXPECT_THAT(world.specs, IsEmpty());
}

TEST(Fence, ClosesWhenALaterAttemptClaimsTheRun) {
  TemporaryFolder root;
  const Fence unfenced(root.path());
  const Claim first(root.path(), "36");
  ::setenv(kAttemptVariable, "1", 1);
  const Fence fence(root.path());
  ::unsetenv(kAttemptVariable);
  fence.require_open();
  const Claim second(root.path(), "36");
  EXPECT_EQ(second.number(), 2);
  EXPECT_THAT([&] { fence.require_open(); },
              testing::ThrowsMessage<Superseded>(testing::AllOf(
                  HasSubstr("attempt 2 is owned by job 36 on"), HasSubstr("attempt 1 stops"))));
  unfenced.require_open();
}

TEST(Claims, WhatIsNoClaimIsPassedOver) {
  TemporaryFolder root;
  EXPECT_THAT(read_claims(root.path()), IsEmpty());
  fs::create_directories(root.path() / "attempts" / "notes");
  fs::create_directories(root.path() / "attempts" / "0007");
  write_file_atomically(root.path() / "attempts" / "0007" / "owner.json", "[1, 2");
  ASSERT_EQ(read_claims(root.path()).size(), 1u);
  EXPECT_EQ(Claim(root.path(), "x").number(), 8);
}

}  // namespace
}  // namespace hadal::launcher

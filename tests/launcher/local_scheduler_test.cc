// The local scheduler's decisions, with processes and time that only the test moves.
#include <csignal>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "launcher/run_store.h"
#include "launcher/schedulers/local.h"
#include "tests/launcher/fake_scheduler.h"

namespace hadal::launcher {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

class FakeProcesses final : public Processes {
 public:
  int start(const ProcessSpec& spec) override {
    specs.push_back(spec);
    return static_cast<int>(specs.size());
  }
  std::optional<int> try_wait(int pid) override {
    const auto at = ended.find(pid);
    return at == ended.end() ? std::nullopt : std::optional<int>(at->second);
  }
  void send_signal(int pid, int signal) override {
    sent.emplace_back(pid, signal);
    if (signal == SIGKILL) marked.erase(pid);
  }
  std::vector<int> find_marked(const std::string&, const std::string&) override {
    return {marked.begin(), marked.end()};
  }

  std::vector<ProcessSpec> specs;
  std::map<int, int> ended;               // pid, exit code
  std::vector<std::pair<int, int>> sent;  // pid, signal
  std::set<int> marked;                   // alive, of whatever run
};

class LocalSchedulerTest : public testing::Test {
 protected:
  LocalScheduler scheduler(LocalOptions options) {
    options.scratch = root.path();
    return LocalScheduler(std::move(options), processes, clock);
  }
  Job job(const std::string& id, int ranks = 1) {
    return {.id = id, .folder = root.path() / id, .command = {"hadal", "train"}, .ranks = ranks};
  }
  std::vector<JobExit> poll_for(LocalScheduler& scheduler, double seconds) {
    std::vector<JobExit> all;
    for (double until = clock.now_s() + seconds; clock.now_s() < until; clock.sleep(0.1))
      for (const JobExit& ended : scheduler.poll()) all.push_back(ended);
    return all;
  }

  TemporaryFolder root;
  FakeProcesses processes;
  FakeClock clock;
};

TEST_F(LocalSchedulerTest, CutsTheCoresIntoSetsThatAreNotShared) {
  LocalScheduler local = scheduler({.cores = {0, 1, 2, 3, 6}, .ranks = 2});
  EXPECT_EQ(local.places(), 2);
  EXPECT_FALSE(local.oversubscribed());
  local.start(job("a", 2));
  local.start(job("b", 2));
  EXPECT_FALSE(local.has_room(job("c", 2)));
  EXPECT_THAT(processes.specs[0].cores, ElementsAre(0, 1));
  EXPECT_THAT(processes.specs[1].cores, ElementsAre(2, 3));

  processes.ended[1] = 0;
  EXPECT_EQ(poll_for(local, 1).size(), 1u);
  local.start(job("c", 2));
  EXPECT_THAT(processes.specs[2].cores, ElementsAre(0, 1)) << "the set that came free";
}

TEST_F(LocalSchedulerTest, MoreThreadsThanCoresYieldAndAreNotBound) {
  LocalScheduler local = scheduler({.cores = {0, 1}, .ranks = 4});
  EXPECT_EQ(local.places(), 1);
  EXPECT_TRUE(local.oversubscribed());
  local.start(job("a", 4));
  EXPECT_THAT(processes.specs[0].cores, IsEmpty());
  EXPECT_THAT(processes.specs[0].arguments, Contains("--oversubscribe"));
}

TEST_F(LocalSchedulerTest, EveryRunGetsGpusOfItsOwnByTheirNames) {
  LocalScheduler local = scheduler({.cores = {0, 1, 2, 3, 4, 5, 6, 7},
                                    .ranks = 2,
                                    .gpus = {"GPU-a", "GPU-b", "GPU-c", "GPU-d", "GPU-e"},
                                    .gpus_per_rank = 1});
  EXPECT_EQ(local.places(), 2) << "five GPUs in pairs";
  local.start(job("a", 2));
  local.start(job("b", 2));
  EXPECT_FALSE(local.has_room(job("c", 2)));
  EXPECT_THAT(processes.specs[0].environment,
              Contains(Pair("CUDA_VISIBLE_DEVICES", "GPU-a,GPU-b")));
  EXPECT_THAT(processes.specs[1].environment,
              Contains(Pair("CUDA_VISIBLE_DEVICES", "GPU-c,GPU-d")));
  EXPECT_THAT(processes.specs[1].cores, ElementsAre(2, 3));
}

TEST_F(LocalSchedulerTest, FewerGpusThanARunWantsIsSaidBeforeItStarts) {
  LocalScheduler local =
      scheduler({.cores = {0, 1}, .ranks = 2, .gpus = {"GPU-a"}, .gpus_per_rank = 1});
  EXPECT_THAT([&] { local.check(); }, testing::ThrowsMessage<ConfigError>(testing::HasSubstr(
                                          "a run of 2 ranks wants 2 GPUs, this machine has 1")));
}

TEST_F(LocalSchedulerTest, PackedRunsShareAPlaceAndYield) {
  LocalScheduler local = scheduler({.cores = {0, 1}, .pack = 2});
  for (const char* id : {"a", "b", "c", "d"}) {
    ASSERT_TRUE(local.has_room(job(id)));
    local.start(job(id));
  }
  EXPECT_FALSE(local.has_room(job("e")));
  EXPECT_THAT(processes.specs[0].cores, ElementsAre(0));
  EXPECT_THAT(processes.specs[1].cores, ElementsAre(1)) << "first where nobody is";
  EXPECT_THAT(processes.specs[2].cores, ElementsAre(0));
  EXPECT_THAT(processes.specs[2].arguments, Contains("--oversubscribe"));
}

TEST_F(LocalSchedulerTest, TriesOneMoreWhenTheFirstHasBeenTimedAndTellsWhatItFound) {
  LocalScheduler local = scheduler({.cores = {0, 1}, .pack = 0});
  for (const char* id : {"a", "b", "c"}) std::filesystem::create_directories(root.path() / id);
  local.start(job("a"));
  local.start(job("b"));
  EXPECT_FALSE(local.has_room(job("c")));
  long long step = 0;
  const auto train = [&](const std::vector<std::string>& ids, long long steps_a_second) {
    for (int second = 0; second < 15; ++second) {
      step += steps_a_second;
      for (const std::string& id : ids)
        write_progress(root.path() / id, {.step = step, .steps = 100000});
      poll_for(local, 1);
    }
  };
  train({"a", "b"}, 10);
  ASSERT_TRUE(local.has_room(job("c")));
  local.start(job("c"));
  EXPECT_THAT(processes.specs[2].cores, ElementsAre(0)) << "at the first place only";
  EXPECT_FALSE(local.has_room(job("d")));
  train({"a", "b", "c"}, 8);
  EXPECT_THAT(local.news(), ElementsAre(testing::HasSubstr("2 at a time")));
  EXPECT_TRUE(local.has_room(job("d"))) << "two at the second place too";
}

TEST_F(LocalSchedulerTest, TellsMpirunWhatItNeeds) {
  LocalScheduler local = scheduler({.cores = {0, 1}, .ranks = 2, .as_root = true});
  local.start(job("a", 2));
  const ProcessSpec& spec = processes.specs[0];
  EXPECT_EQ(spec.arguments[0], "mpirun");
  EXPECT_THAT(spec.arguments, Not(Contains("--oversubscribe")));
  EXPECT_EQ(spec.arguments[spec.arguments.size() - 2], "hadal");
  EXPECT_THAT(spec.environment, Contains(Pair("OMP_NUM_THREADS", "1")));
  EXPECT_THAT(spec.environment, Contains(Pair("OMPI_ALLOW_RUN_AS_ROOT", "1")));
  EXPECT_THAT(spec.environment, Contains(Pair("HADAL_RUN", (root.path() / "a").string())));
  EXPECT_EQ(spec.signal_when_orphaned, SIGUSR1);
}

TEST_F(LocalSchedulerTest, StoppingClimbsTheLadder) {
  LocalScheduler local = scheduler({.cores = {0}});
  local.start(job("a"));
  local.stop("a");
  EXPECT_THAT(processes.sent, ElementsAre(Pair(1, SIGTERM)));
  poll_for(local, 2.5);
  EXPECT_EQ(processes.sent.size(), 1u) << "mpirun has 3 s to end its ranks";
  processes.marked = {1, 50};
  poll_for(local, 1);
  EXPECT_THAT(processes.sent, Contains(Pair(1, SIGKILL)));
  EXPECT_THAT(processes.sent, Contains(Pair(50, SIGKILL)));
  processes.ended[1] = 137;
  const auto ended = poll_for(local, 1);
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].exit_code, 137);
}

TEST_F(LocalSchedulerTest, AJobIsNotOverWhileAnythingOfItLives) {
  LocalScheduler local = scheduler({.cores = {0}});
  local.start(job("a"));
  processes.marked = {50};
  processes.ended[1] = 137;
  EXPECT_THAT(poll_for(local, 0.9), IsEmpty());
  EXPECT_THAT(processes.sent, IsEmpty()) << "ranks of a killed mpirun leave within a second";
  EXPECT_EQ(poll_for(local, 2).size(), 1u);
  EXPECT_THAT(processes.sent, ElementsAre(Pair(50, SIGKILL)));
}

TEST_F(LocalSchedulerTest, WaitsForAnEarlierAttemptToSaveItself) {
  LocalScheduler local = scheduler({.cores = {0}, .leftover_patience_s = 20});
  processes.marked = {50};
  local.start(job("a"));
  poll_for(local, 10);
  EXPECT_THAT(processes.specs, IsEmpty());
  processes.marked.clear();
  poll_for(local, 1);
  EXPECT_EQ(processes.specs.size(), 1u);
}

TEST_F(LocalSchedulerTest, EndsAnEarlierAttemptThatDoesNotLeave) {
  LocalScheduler local = scheduler({.cores = {0}, .leftover_patience_s = 20});
  processes.marked = {50};
  local.start(job("a"));
  poll_for(local, 22);
  EXPECT_THAT(processes.sent, ElementsAre(Pair(50, SIGKILL)));
  EXPECT_EQ(processes.specs.size(), 1u);
}

TEST_F(LocalSchedulerTest, DrainingBeforeTheStartCancelsIt) {
  LocalScheduler local = scheduler({.cores = {0}});
  processes.marked = {50};
  local.start(job("a"));
  local.drain("a");
  processes.marked.clear();
  const auto ended = poll_for(local, 1);
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].exit_code, 75);
  EXPECT_THAT(processes.specs, IsEmpty());
}

}  // namespace
}  // namespace hadal::launcher

// Which hosts get a run and which are left alone, with processes and time that only the test moves.
#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/strings.h"
#include "launcher/schedulers/hosts.h"
#include "tests/launcher/fake_scheduler.h"

namespace hadal::launcher {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// ssh ends at once, well unless its host is dead; mpirun when it is told.
class FakeHosts final : public Processes {
 public:
  int start(const ProcessSpec& spec) override {
    specs.push_back(spec);
    return static_cast<int>(specs.size());
  }
  std::optional<int> try_wait(int pid) override {
    const std::vector<std::string>& arguments = specs[static_cast<std::size_t>(pid - 1)].arguments;
    if (arguments[0] != "ssh") return mpirun;
    return dead.contains(arguments[arguments.size() - 2]) ? 255 : 0;
  }
  void send_signal(int pid, int signal) override { sent.emplace_back(pid, signal); }
  std::vector<int> find_marked(const std::string&, const std::string&) override { return {}; }

  std::vector<ProcessSpec> specs;
  std::set<std::string> dead;
  std::optional<int> mpirun;  // how it ends
  std::vector<std::pair<int, int>> sent;
};

class HostsSchedulerTest : public testing::Test {
 protected:
  void SetUp() override {
    job.folder = root.path() / "net's-1";
    fs::create_directories(job.folder);
  }
  std::vector<JobExit> poll_for(double seconds) {
    std::vector<JobExit> all;
    for (const double until = clock.now_s() + seconds; clock.now_s() < until; clock.sleep(0.1))
      for (const JobExit& ended : scheduler.poll()) all.push_back(ended);
    return all;
  }
  std::string hosts_of_the_run() { return read_file(job.folder / "hosts.txt"); }

  TemporaryFolder root;
  FakeClock clock;
  FakeHosts processes;
  HostsScheduler scheduler{
      {.hosts = {{"n1", 4}, {"n2", 4}, {"n3", 4}}, .ranks = 4, .program = "/opt/hadal"},
      processes,
      clock};
  Job job{.id = "a", .command = {"hadal", "train"}, .ranks = 3, .cores_per_rank = 2};
};

TEST_F(HostsSchedulerTest, FillsHostsInTheirOrder) {
  scheduler.start(job);
  poll_for(1);
  EXPECT_EQ(hosts_of_the_run(), "n1 slots=2\nn2 slots=1\n");
  EXPECT_TRUE(scheduler.is_running("a"));
  EXPECT_TRUE(scheduler.has_room(job)) << "three places of two cores are left";
  Job larger = job;
  larger.ranks = 4;
  EXPECT_FALSE(scheduler.has_room(larger));
}

TEST_F(HostsSchedulerTest, EveryRunHasItsOwnGpusOfEachHost) {
  HostsScheduler gpus(
      {.hosts = {{"n1", 8, 2}, {"n2", 8}, {"n3", 8, 3}}, .ranks = 2, .gpus_per_rank = 1}, processes,
      clock);
  job.ranks = 2;
  job.cores_per_rank = 1;
  job.gpus_per_rank = 1;
  Job second = job, third = job;
  second.id = "b";
  third.id = "c";
  third.ranks = 6;
  EXPECT_FALSE(gpus.has_room(third)) << "there are five GPUs";
  third.ranks = 3;
  gpus.start(job);
  gpus.poll();
  EXPECT_EQ(hosts_of_the_run(), "n1 slots=2\n");
  EXPECT_THAT(join(processes.specs.back().arguments, " "),
              EndsWith("-np 2 --host n1:2 -x CUDA_VISIBLE_DEVICES=0,1 hadal train"));
  gpus.start(second);
  gpus.poll();
  EXPECT_EQ(hosts_of_the_run(), "n3 slots=2\n");
  EXPECT_FALSE(gpus.has_room(third)) << "one GPU is left";
  processes.mpirun = 0;
  for (int i = 0; i < 3; ++i) gpus.poll();
  processes.mpirun.reset();
  gpus.start(third);
  gpus.poll();
  EXPECT_THAT(join(processes.specs.back().arguments, " "),
              EndsWith("-np 2 --host n1:2 -x CUDA_VISIBLE_DEVICES=0,1 hadal train : -np 1 --host "
                       "n3:1 -x CUDA_VISIBLE_DEVICES=0 hadal train"));
}

TEST_F(HostsSchedulerTest, GpusThatNoHostHasAreAskedForBeforeAnythingStarts) {
  HostsScheduler gpus({.hosts = {{"n1", 8, 1}, {"n2", 8}}, .ranks = 2, .gpus_per_rank = 1},
                      processes, clock);
  EXPECT_THAT([&] { gpus.check(); },
              testing::ThrowsMessage<ConfigError>(HasSubstr(
                  "2 ranks of 1 cores and 1 GPUs, all hosts together have room for 1; give them "
                  "more slots and gpus=N")));
}

TEST_F(HostsSchedulerTest, WhatGoesThroughTheRemoteShellIsQuoted) {
  scheduler.start(job);
  EXPECT_EQ(processes.specs[0].arguments.back(), "'/opt/hadal' 'sweep' 'reap' '" +
                                                     (root.path() / "net'\\''s-1").string() +
                                                     "' '--patience' '60'");
  EXPECT_THAT(processes.specs[0].arguments, Contains("BatchMode=yes"));
}

TEST_F(HostsSchedulerTest, ADeadHostIsLeftOutBeforeARunStarts) {
  processes.dead = {"n1"};
  scheduler.start(job);
  poll_for(1);
  EXPECT_EQ(hosts_of_the_run(), "n2 slots=2\nn3 slots=1\n");
  EXPECT_THAT(scheduler.news(),
              ElementsAre(HasSubstr("host n1 does not answer; taken out for 10m")));
}

TEST_F(HostsSchedulerTest, ARunThatLostAHostIsInterruptedAndSaysWhy) {
  scheduler.start(job);
  poll_for(1);
  processes.dead = {"n2"};
  processes.mpirun = 205;
  const auto ended = poll_for(1);
  ASSERT_THAT(ended, SizeIs(1));
  EXPECT_TRUE(ended[0].interrupted);
  EXPECT_EQ(ended[0].reason, "host n2 does not answer");
}

TEST_F(HostsSchedulerTest, AHostIsAskedAgainEachTimeAfterTwiceAsLong) {
  Job everywhere = job;
  everywhere.ranks = 6;
  processes.dead = {"n3"};
  scheduler.start(everywhere);
  EXPECT_THAT(poll_for(1), SizeIs(1)) << "no room without n3";
  EXPECT_FALSE(scheduler.has_room(everywhere));
  clock.sleep(600);
  ASSERT_TRUE(scheduler.has_room(everywhere));
  scheduler.start(everywhere);
  poll_for(1);
  EXPECT_THAT(scheduler.news(), Contains(HasSubstr("taken out for 20m")));
  clock.sleep(1200);
  processes.dead.clear();
  scheduler.start(everywhere);
  EXPECT_THAT(poll_for(1), IsEmpty());
  EXPECT_TRUE(scheduler.is_running("a"));
}

TEST_F(HostsSchedulerTest, AnMpirunThatOutlivesTheLastWordsOfItsRanksIsEnded) {
  scheduler.start(job);
  poll_for(1);
  const int mpirun = static_cast<int>(processes.specs.size());
  write_file_atomically(job.folder / "rank0.last.json", "{}");
  poll_for(5);
  EXPECT_THAT(processes.sent, IsEmpty()) << "it may end by itself";
  poll_for(6);
  EXPECT_THAT(processes.sent, ElementsAre(std::pair(mpirun, SIGTERM), std::pair(mpirun, SIGKILL)));
  processes.mpirun = 137;
  const auto ended = poll_for(1);
  ASSERT_THAT(ended, SizeIs(1));
  EXPECT_EQ(ended[0].exit_code, 85) << "a hang, whatever became of mpirun";
}

TEST_F(HostsSchedulerTest, NothingStartsWhereNoHostAnswers) {
  processes.dead = {"n1", "n2", "n3"};
  EXPECT_THAT([&] { scheduler.check(); },
              testing::ThrowsMessage<ConfigError>(HasSubstr("none answers")));
}

TEST(Hostfile, NamesFileAndLineOfWhatItDoesNotUnderstand) {
  TemporaryFolder root;
  const auto read = [&](const std::string& text) {
    write_file_atomically(root.path() / "hosts", text);
    return read_hostfile(root.path() / "hosts");
  };
  const auto hosts = read("# ours\nn1\tslots=8 gpus=2\n\nn2.example  # one core\n");
  ASSERT_THAT(hosts, SizeIs(2));
  EXPECT_EQ(hosts[0].slots, 8);
  EXPECT_EQ(hosts[0].gpus, 2);
  EXPECT_EQ(hosts[1].name, "n2.example");
  for (const auto& [text, complaint] :
       {std::pair("n1\n-oProxyCommand=x\n", "hosts:2: host '-oProxyCommand=x'"),
        std::pair("n1;id\n", "hosts:1: host 'n1;id'"),
        std::pair("n1 slots=0\n", "hosts:1: slots=0: wanted 1 to 65536"),
        std::pair("n1 gpus=4294967297\n", "gpus=4294967297: wanted 1 to 65536"),
        std::pair("n1 cores=2\n", "'cores=2': wanted slots=N or gpus=N"),
        std::pair("n1\nn1\n", "hosts:2: host n1 was named before"), std::pair("\n", "no host")})
    EXPECT_THAT([&] { read(text); }, testing::ThrowsMessage<ConfigError>(HasSubstr(complaint)));
}

}  // namespace
}  // namespace hadal::launcher

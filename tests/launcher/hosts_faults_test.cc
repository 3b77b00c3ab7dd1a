// The whole program over ssh: hosts that are missing, dead, or cut off in the middle of a step.
#include <algorithm>
#include <csignal>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/strings.h"
#include "launcher/schedulers/hosts.h"
#include "tests/launcher/cut_training.h"

namespace hadal::launcher {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class HostsFaults : public CutTraining {
 protected:
  void SetUp() override {
    if (const std::string missing = RealHosts::missing(); !missing.empty()) GTEST_SKIP() << missing;
    make_hosts();
  }
};

TEST_F(HostsFaults, AHostCutOffInMidStepIsNamedAndTheRunGoesOnElsewhereToTheSameBits) {
  const Started launcher = start_sweep("hosts", impatient_trainer());
  wait_for_the_middle_of_a_step(path("hosts"));
  hosts->cut(2);
  const Ended ended = wait(launcher);
  EXPECT_EQ(ended.exit_code, 0) << ended.out << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("host n2 does not answer; taken out for 10m 00s, 2 of 3 left"));
  EXPECT_THAT(ended.out,
              AllOf(HasSubstr("host n2 does not answer; rank "), HasSubstr("look at rank")))
      << "host, rank and operation";
  EXPECT_THAT(read_file(run_folder(path("hosts")) / "hosts.txt"), "n1 slots=2\nn3 slots=2\n");
  EXPECT_THAT(read_file(run_folder(path("hosts")) / "log.txt"),
              AllOf(HasSubstr("(n2)"), HasSubstr("look at rank")));
  expect_the_same_here();
}

TEST_F(HostsFaults, AHostThatIsDownFromTheStartIsLeftOut) {
  hosts->cut(1);
  const Ended ended = wait(start_sweep("hosts"));
  EXPECT_EQ(ended.exit_code, 0) << ended.out << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("host n1 does not answer"));
  EXPECT_THAT(read_file(run_folder(path("hosts")) / "hosts.txt"), "n2 slots=2\nn3 slots=2\n");
}

TEST_F(HostsFaults, WhatCannotWorkIsOneLineBeforeAnythingStarts) {
  write("hosts.txt", "n1 slots=3\n");
  EXPECT_THAT(wait(start_sweep("hosts")).complaint(),
              HasSubstr("all hosts together have room for 3"));
  write("hosts.txt", "n1 slots=2\n-oProxyCommand=touch slots=2\n");
  EXPECT_THAT(wait(start_sweep("hosts")).complaint(),
              HasSubstr("hosts.txt:2: host '-oProxyCommand=touch'"));
  write("hosts.txt", "n1 slots=4\n");
  hosts->cut(1);
  EXPECT_THAT(wait(start_sweep("hosts")).complaint(), HasSubstr("none answers"));
}

TEST_F(HostsFaults, RanksOfEveryHostSeeTheirOwnGpusAndNoOthers) {
  SystemProcesses processes;
  HostsScheduler scheduler({.hosts = {{"n1", 2, 4}, {"n2", 2}, {"n3", 2, 1}},
                            .ranks = 2,
                            .gpus_per_rank = 1,
                            .program = HADAL_PROGRAM,
                            .ssh_config = hosts->ssh_config(),
                            .network = RealHosts::kNetwork,
                            .as_root = true},
                           processes, clock);
  const Job job{.id = "a",
                .folder = path("run"),
                .command = {"sh", "-c", "echo \"$(hostname) sees $CUDA_VISIBLE_DEVICES\""},
                .ranks = 3,
                .gpus_per_rank = 1};
  std::filesystem::create_directories(job.folder);
  ASSERT_TRUE(scheduler.has_room(job));
  scheduler.start(job);
  std::vector<JobExit> ended;
  for (const double end = clock.now_s() + 60; ended.empty() && clock.now_s() < end;
       clock.sleep(0.1))
    ended = scheduler.poll();
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].exit_code, 0) << read_file(job.folder / "log.txt");
  std::vector<std::string> lines = split(read_file(job.folder / "log.txt"), '\n');
  std::ranges::sort(lines);
  EXPECT_THAT(lines, testing::IsSupersetOf({"n1 sees 0,1", "n1 sees 0,1", "n3 sees 0"}));
}

TEST_F(HostsFaults, TheDoctorExaminesEveryHostAndEveryLink) {
  const Ended ended = run(
      {"doctor", "--folder", path(".")},
      {.environment = {{"OMPI_ALLOW_RUN_AS_ROOT", "1"}, {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"}},
       .through = {"mpirun", "-np", "3", "--hostfile", path("hosts.txt"), "--map-by", "node",
                   "--bind-to", "none", "--mca", "plm_rsh_args", "-F " + hosts->ssh_config(),
                   "--mca", "btl_tcp_if_include", RealHosts::kNetwork, "--mca",
                   "oob_tcp_if_include", RealHosts::kNetwork}});
  EXPECT_EQ(ended.exit_code, 0) << ended.out << ended.err;
  for (const char* what :
       {"\nn1\n", "\nn2\n", "\nn3\n", "ranks 0 (n1) and 1 (n2): ", "ranks 0 (n1) and 2 (n3): ",
        "ranks 1 (n2) and 2 (n3): ", "10.77.0.", "3 ranks: fit to train"})
    EXPECT_THAT("\n" + ended.out, HasSubstr(what));
}

}  // namespace
}  // namespace hadal::launcher

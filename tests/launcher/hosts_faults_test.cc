// The whole program over ssh: hosts that are missing, dead, or cut off in the middle of a step.
#include <csignal>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "launcher/schedulers/hosts.h"
#include "launcher/step_trace.h"
#include "launcher/sweep_store.h"
#include "tests/launcher/program_test.h"
#include "tests/launcher/real_hosts.h"

namespace hadal::launcher {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

constexpr long long kSaveEvery = 100;  // steps, as in:
constexpr const char* kTraining = R"(
  name: "s"
  experiment {
    model { name: "resnet" set: "depth=8" set: "width=4" set: "survival=0.5" }
    data {
      name: "generator" set: "train=240" set: "test=32" set: "side=16" validation_images: 40
      preprocess: ["subtract_channel_mean", "divide_channel_std"]
    }
    augmentation { pad: 2 mirror: true cutout: 4 }
    optimizer { name: "sgd" learning_rate: 0.05 momentum: 0.9 nesterov: true weight_decay: 1e-4 }
    epochs: 30 global_batch: 16 logical_shards: 4
    checkpoint { every_steps: 100 every_epochs: 0 every_seconds: 0 }
  }
  seed: 1
  resources { ranks: 4 })";

class HostsFaults : public ProgramTest {
 protected:
  void SetUp() override {
    if (const std::string missing = RealHosts::missing(); !missing.empty()) GTEST_SKIP() << missing;
    hosts = std::make_unique<RealHosts>(3);
    sweep_file = write("s.textproto", kTraining);
    write("hosts.txt", "n1 slots=2\nn2 slots=2  # like n1\nn3 slots=2\n");
  }

  Started start_sweep(const std::string& scheduler, const std::string& trainer = HADAL_PROGRAM) {
    return start({"sweep", "run", sweep_file, "--runs", path(scheduler), "--scheduler", scheduler,
                  "--hostfile", path("hosts.txt"), "--ssh-config", hosts->ssh_config(), "--network",
                  RealHosts::kNetwork, "--trainer", trainer},
                 {.environment = {{"OMPI_MCA_mpi_yield_when_idle", "1"}}});
  }

  fs::path run_folder(const std::string& scheduler) {
    return read_sweep(path(scheduler) / "s").runs.at(0).folder;
  }

  // There is a checkpoint, and the next is not near: ranks that save are waited for ten times as
  // long as others, so that mpirun's own, slower look at the hosts would come first and nobody
  // would say which rank is missing.
  void wait_for_the_middle_of_a_step() {
    const double end = clock.now_s() + 60;
    while (clock.now_s() < end && !fs::exists(path("hosts") / "s" / "plan.json")) clock.sleep(0.1);
    for (; clock.now_s() < end; clock.sleep(0.005)) {
      const Trace trace = read_trace(run_folder("hosts"));
      const long long step = trace.steps.empty() ? 0 : trace.steps.back().step;
      if (step > kSaveEvery && step % kSaveEvery > 1 && step % kSaveEvery < kSaveEvery / 2) return;
    }
    FAIL() << "it does not train";
  }

  // Trains with a short patience, as `hadal train … --patience` does.
  fs::path impatient_trainer() {
    const fs::path script =
        write("trainer", fmt::format("#!/bin/sh\nexec {} \"$@\" --patience 0.1\n", HADAL_PROGRAM));
    fs::permissions(script, fs::perms::owner_all);
    return script;
  }

  std::unique_ptr<RealHosts> hosts;
  SystemClock clock;
  fs::path sweep_file;
};

TEST_F(HostsFaults, AHostCutOffInMidStepIsNamedAndTheRunGoesOnElsewhereToTheSameBits) {
  const Started launcher = start_sweep("hosts", impatient_trainer());
  wait_for_the_middle_of_a_step();
  hosts->cut(2);
  const Ended ended = wait(launcher);
  EXPECT_EQ(ended.exit_code, 0) << ended.out << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("host n2 does not answer; taken out for 10m 00s, 2 of 3 left"));
  EXPECT_THAT(read_file(run_folder("hosts") / "hosts.txt"), "n1 slots=2\nn3 slots=2\n");
  EXPECT_THAT(read_file(run_folder("hosts") / "log.txt"),
              AllOf(HasSubstr("n2"), HasSubstr("rank")));

  EXPECT_EQ(wait(start_sweep("local")).exit_code, 0);
  expect_same_run(read_run(run_folder("hosts")).value(), read_run(run_folder("local")).value());
}

TEST_F(HostsFaults, AHostThatIsDownFromTheStartIsLeftOut) {
  hosts->cut(1);
  const Ended ended = wait(start_sweep("hosts"));
  EXPECT_EQ(ended.exit_code, 0) << ended.out << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("host n1 does not answer"));
  EXPECT_THAT(read_file(run_folder("hosts") / "hosts.txt"), "n2 slots=2\nn3 slots=2\n");
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

}  // namespace
}  // namespace hadal::launcher

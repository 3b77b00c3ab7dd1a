// A training of four ranks on several hosts, one of which is to be cut off in the middle of a step.
#pragma once

#include <memory>
#include <string>

#include <fmt/format.h>

#include "launcher/step_trace.h"
#include "launcher/sweep_store.h"
#include "tests/launcher/program_test.h"
#include "tests/launcher/real_hosts.h"

namespace hadal::launcher {

class CutTraining : public ProgramTest {
 protected:
  static constexpr long long kSaveEvery = 300;  // steps

  std::filesystem::path sweep_file() const {
    return write("s.textproto", fmt::format(R"(
        name: "s"
        experiment {{
          model {{ name: "resnet" set: "depth=8" set: "width=4" set: "survival=0.5" }}
          data {{
            name: "generator" set: "train=240" set: "test=32" set: "side=16" validation_images: 40
            preprocess: ["subtract_channel_mean", "divide_channel_std"]
          }}
          augmentation {{ pad: 2 mirror: true cutout: 4 }}
          optimizer {{
            name: "sgd" learning_rate: 0.05 momentum: 0.9 nesterov: true weight_decay: 1e-4
          }}
          epochs: 60 global_batch: 16 logical_shards: 4
          checkpoint {{ every_steps: {} every_epochs: 0 every_seconds: 0 }}
        }}
        seed: 1
        resources {{ ranks: 4 }})",
                                            kSaveEvery));
  }

  // Three hosts of two cores each; `cable` as RealHosts has it.
  void make_hosts(const std::string& cable = "") {
    hosts = std::make_unique<RealHosts>(3, cable);
    write("hosts.txt", "n1 slots=2\nn2 slots=2  # like n1\nn3 slots=2\n");
  }

  // "hosts", by ssh, or "local"; its folder below path(scheduler).
  Started start_sweep(const std::string& scheduler, const std::string& trainer = HADAL_PROGRAM) {
    return start({"sweep", "run", sweep_file(), "--runs", path(scheduler), "--scheduler", scheduler,
                  "--hostfile", path("hosts.txt"), "--ssh-config", hosts->ssh_config(), "--network",
                  RealHosts::kNetwork, "--trainer", trainer},
                 {.environment = {{"OMPI_MCA_mpi_yield_when_idle", "1"}}});
  }

  // Expects that the run over ssh ended as one on this machine does.
  void expect_the_same_here() {
    EXPECT_EQ(wait(start_sweep("local")).exit_code, 0);
    expect_same_run(read_run(run_folder(path("hosts"))).value(),
                    read_run(run_folder(path("local"))).value());
  }

  // Trains with a short patience, as `hadal train … --patience` does.
  std::filesystem::path impatient_trainer() const {
    const auto script =
        write("trainer", fmt::format("#!/bin/sh\nexec {} \"$@\" --patience 0.1\n", HADAL_PROGRAM));
    std::filesystem::permissions(script, std::filesystem::perms::owner_all);
    return script;
  }

  // Of the only run, in the sweep's folder below `runs`.
  std::filesystem::path run_folder(const std::filesystem::path& runs) const {
    return read_sweep(runs / "s").runs.at(0).folder;
  }

  // There is a checkpoint, and the next is not near: ranks that save are waited for ten times as
  // long as others, so that mpirun's own, slower look at the hosts would come first and nobody
  // would say which rank is missing.
  void wait_for_the_middle_of_a_step(const std::filesystem::path& runs) {
    const double end = clock.now_s() + 60;
    while (clock.now_s() < end && !std::filesystem::exists(runs / "s" / "plan.json"))
      clock.sleep(0.1);
    for (; clock.now_s() < end; clock.sleep(0.005)) {
      const Trace trace = read_trace(run_folder(runs));
      const long long step = trace.steps.empty() ? 0 : trace.steps.back().step;
      if (step > kSaveEvery && step % kSaveEvery > 1 && step % kSaveEvery < kSaveEvery / 2) return;
    }
    FAIL() << "it does not train";
  }

  std::unique_ptr<RealHosts> hosts;
  SystemClock clock;
};

}  // namespace hadal::launcher

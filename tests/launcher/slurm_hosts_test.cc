// A real Slurm over several hosts: one run on two of them, and one of these is lost.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "launcher/claim.h"
#include "launcher/sweep_store.h"
#include "tests/launcher/cut_training.h"
#include "tests/launcher/real_slurm.h"

namespace hadal::launcher {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class SlurmHosts : public CutTraining {
 protected:
  void SetUp() override {
    for (const std::string& missing : {RealHosts::missing(), RealSlurm::missing()})
      if (!missing.empty()) GTEST_SKIP() << missing;
    hosts = std::make_unique<RealHosts>(3);
    slurm = std::make_unique<RealSlurm>(*hosts, 3);
  }

  std::unique_ptr<RealSlurm> slurm;
};

TEST_F(SlurmHosts, ANodeCutOffInMidStepIsNamedAndTheRunGoesOnElsewhereToTheSameBits) {
  const std::map<std::string, std::string> network = {
      {"OMPI_MCA_mpi_yield_when_idle", "1"},
      {"OMPI_MCA_btl_tcp_if_include", RealHosts::kNetwork},
      {"OMPI_MCA_oob_tcp_if_include", RealHosts::kNetwork}};
  const Started launcher =
      start({"sweep", "run", sweep_file(), "--runs", path("slurm"), "--scheduler", "slurm",
             "--sbatch=--nodes=2", "--sbatch=--ntasks-per-node=2", "--silence", "20", "--trainer",
             impatient_trainer()},
            {.environment = network});
  wait_for_the_middle_of_a_step(path("slurm"));
  hosts->cut(2);
  const Ended ended = wait(launcher);
  const fs::path run = run_folder(path("slurm"));
  EXPECT_EQ(ended.exit_code, 0) << ended.out << read_file(run / "log.txt");
  EXPECT_THAT(read_file(run / "log.txt"), AllOf(HasSubstr("(n2)"), HasSubstr("look at rank")));
  EXPECT_EQ(read_claims(run).size(), 2u);

  EXPECT_EQ(wait(start({"sweep", "run", sweep_file(), "--runs", path("local")}, {})).exit_code, 0);
  expect_same_run(read_run(run).value(), read_run(run_folder(path("local"))).value());
}

}  // namespace
}  // namespace hadal::launcher

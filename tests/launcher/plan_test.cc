#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "launcher/memory_limit.h"
#include "launcher/plan/sweep_estimate.h"

namespace hadal::launcher {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class FakeRoot : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    fs::create_directories((root.path() / path).parent_path());
    write_file_atomically(root.path() / path, text);
  }
  TemporaryFolder root;
};

TEST_F(FakeRoot, WithoutControlGroupsTheMachineIsTheLimit) {
  const MemoryLimit limit = memory_limit(root.path());
  EXPECT_GT(limit.bytes, 0);
  EXPECT_EQ(limit.by, "this machine");
}

TEST_F(FakeRoot, TheTightestGroupAboveTheProcessIsTheLimit) {
  write("proc/self/cgroup", "0::/slurm/job_7/step_0\n");
  write("sys/fs/cgroup/slurm/job_7/memory.max", "1048576\n");
  write("sys/fs/cgroup/slurm/job_7/step_0/memory.max", "max\n");
  write("sys/fs/cgroup/slurm/memory.max", "2097152\n");
  const MemoryLimit limit = memory_limit(root.path());
  EXPECT_EQ(limit.bytes, 1048576);
  EXPECT_EQ(limit.by, "control group /slurm/job_7");
}

TEST_F(FakeRoot, VersionOneGroupsCountToo) {
  write("proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/batch\n");
  write("sys/fs/cgroup/memory/batch/memory.limit_in_bytes", "4194304\n");
  EXPECT_EQ(memory_limit(root.path()).bytes, 4194304);
}

RunEstimate made(std::int64_t steps, double step_s) {
  RunEstimate estimate;
  estimate.cost.steps = steps;
  estimate.cost.step_macs = 1e6;
  estimate.memory = {std::int64_t{1} << 30, "this machine"};
  estimate.probe = experiments::StepProbe{.steps = 10,
                                          .step_s = step_s,
                                          .quickest_s = step_s,
                                          .slowest_s = step_s,
                                          .arena_bytes = std::int64_t{1} << 20};
  return estimate;
}

TEST(RunEstimate, SaysWhetherItFitsIntoMemoryAndTime) {
  RunEstimate estimate = made(1000, 0.1);
  EXPECT_THAT(lines_of(estimate, 120), Contains(HasSubstr("1m 40s: an estimate from 10 steps")));
  EXPECT_THAT(lines_of(estimate, 120), Not(Contains(HasSubstr("NOT"))));
  EXPECT_THAT(lines_of(estimate, 50), Contains(HasSubstr("does NOT fit; 2.0 attempts")));
  estimate.memory.bytes = 1000;
  EXPECT_THAT(lines_of(estimate, 0), Contains(HasSubstr("does NOT fit")));
}

TEST(RunEstimate, SaysThatTheExchangeWasNotMeasured) {
  RunEstimate estimate = made(10, 0.1);
  estimate.ranks = 4;
  estimate.exchange_measured = false;
  EXPECT_THAT(lines_of(estimate, 0), Contains(HasSubstr("mpirun -np 4 measures it too")));
}

TEST(RunEstimate, SurvivesTheJourney) {
  const RunEstimate estimate = made(10, 0.1);
  EXPECT_EQ(to_json(run_estimate_from_json(to_json(estimate))), to_json(estimate));
  EXPECT_THROW(run_estimate_from_json("{}"), DataError);
}

TEST(SweepEstimate, RunsArePackedInTheirOrder) {
  SweepEstimate sweep;
  sweep.slots = 2;
  for (const int steps : {10, 10, 30}) sweep.runs.push_back({"run", made(steps, 1)});
  EXPECT_DOUBLE_EQ(sweep.serial_s(), 50);
  EXPECT_DOUBLE_EQ(sweep.packed_s(), 40);
  EXPECT_THAT(lines_of(sweep, 20), Contains(HasSubstr("over the time limit of an attempt")));
}

}  // namespace
}  // namespace hadal::launcher

// The Slurm scheduler's decisions, with a queue that only the test moves.
#include <cstdlib>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/hash.h"
#include "core/base/strings.h"
#include "launcher/schedulers/registry.h"
#include "launcher/schedulers/slurm.h"
#include "launcher/schedulers/slurm_job.h"
#include "tests/launcher/fake_scheduler.h"

namespace hadal::launcher {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

// Answers as Slurm's programs do.
class FakeSlurm final : public Tools {
 public:
  ToolOutput call(const std::vector<std::string>& arguments, std::string_view, double) override {
    calls.push_back(arguments);
    const std::string& program = arguments[0];
    if (missing) throw IoError(ExitCode::kMissingInput, "cannot start " + program);
    if (program == "sbatch" && arguments.back() != "--version") {
      if (sbatch.ok() || arrives_all_the_same) {
        for (const std::string& argument : arguments)
          if (argument.starts_with("--comment=")) comment = argument.substr(10);
        queue[++last_id] = "PENDING";
      }
      return sbatch.ok() ? ToolOutput{.out = fmt::format("{}\n", last_id)} : sbatch;
    }
    if (program == "squeue") {
      if (!squeue.ok()) return squeue;
      std::string lines = "7|RUNNING|somebody | else's|None\n";
      for (const auto& [id, state] : queue)
        lines += fmt::format("{}|{}|{}|{}\n", id, state, comment, reason);
      return {.out = lines};
    }
    if (program == "sinfo") return sinfo;
    return {};
  }

  std::vector<std::vector<std::string>> calls_of(const std::string& program) const {
    std::vector<std::vector<std::string>> found;
    for (const auto& call : calls)
      if (call[0] == program) found.push_back(call);
    return found;
  }

  std::vector<std::vector<std::string>> calls;
  std::map<int, std::string> queue;  // id, state
  std::string comment, reason = "None";
  ToolOutput sbatch, squeue, sinfo{.out = "low\nhigh\n"};
  bool missing = false, arrives_all_the_same = false;
  int last_id = 35;
};

class SlurmSchedulerTest : public testing::Test {
 protected:
  void SetUp() override {
    job.folder = root.path() / "net-1";
    fs::create_directories(job.folder);
  }

  std::vector<JobExit> poll_for(double seconds) {
    std::vector<JobExit> all;
    for (const double until = clock.now_s() + seconds; clock.now_s() < until; clock.sleep(0.5))
      for (const JobExit& ended : scheduler.poll()) all.push_back(ended);
    return all;
  }

  JobExit only_exit() {
    const auto ended = poll_for(10);
    EXPECT_EQ(ended.size(), 1u);
    return ended.empty() ? JobExit{} : ended[0];
  }

  TemporaryFolder root;
  FakeClock clock;
  FakeSlurm slurm;
  SlurmScheduler scheduler{
      {.program = "/opt/hadal", .partition = "low", .more = {"--account=sea"}}, slurm, clock};
  Job job{.id = "a",
          .command = {"/opt/hadal", "train", "$(rm -rf x)"},
          .ranks = 4,
          .cores_per_rank = 2,
          .gpus_per_rank = 1,
          .time_limit_s = 3600};
};

TEST_F(SlurmSchedulerTest, SubmitsWithTheResourcesOfTheRun) {
  ::setenv("OMPI_MCA_btl", "tcp,self", 1);
  scheduler.start(job);
  const auto sbatch = slurm.calls_of("sbatch").at(0);
  for (const std::string expected :
       {"--ntasks=4", "--cpus-per-task=2", "--gpus-per-task=1", "--time=62:00", "--partition=low",
        "--requeue", "--signal=B:USR1@120", "--job-name=net-1", "--account=sea"})
    EXPECT_THAT(sbatch, Contains(expected));
  EXPECT_THAT(sbatch, Contains("--output=" + (job.folder / "log.txt").string()));
  EXPECT_THAT(std::vector(sbatch.end() - 5, sbatch.end()),
              ElementsAre((job.folder / "job.sh").string(), "/opt/hadal", "sweep", "attempt",
                          job.folder.string()));
  EXPECT_THAT(sbatch, Contains(AllOf(StartsWith("--export=PATH,"), HasSubstr("OMPI_MCA_btl"),
                                     Not(HasSubstr("ALL")))))
      << "sbatch would store the whole environment";
  ::unsetenv("OMPI_MCA_btl");
}

TEST_F(SlurmSchedulerTest, TheCommandTravelsInAFileThatNoShellReads) {
  scheduler.start(job);
  EXPECT_EQ(read_file(job.folder / "job.sh"), "#!/bin/sh\nexec \"$@\"\n");
  EXPECT_EQ(read_batch_job(job.folder).job.command, job.command);
  for (const auto& call : slurm.calls) EXPECT_THAT(call, Not(Contains(HasSubstr("rm -rf"))));
}

TEST_F(SlurmSchedulerTest, WaitsRunsAndEnds) {
  scheduler.start(job);
  EXPECT_THAT(poll_for(5), IsEmpty());
  EXPECT_FALSE(scheduler.is_running("a"));
  slurm.queue[36] = "RUNNING";
  EXPECT_THAT(poll_for(5), IsEmpty());
  EXPECT_TRUE(scheduler.is_running("a"));
  const Claim claim(job.folder, "36");
  release_claim(job.folder, claim.number(), 78);
  slurm.queue[36] = "FAILED";
  EXPECT_EQ(only_exit().exit_code, 78);
}

TEST_F(SlurmSchedulerTest, AJobThatMakesRoomAndComesBackHasNotEnded) {
  scheduler.start(job);
  for (const char* state : {"RUNNING", "COMPLETING", "REQUEUED", "PENDING", "RUNNING"}) {
    slurm.queue[36] = state;
    EXPECT_THAT(poll_for(5), IsEmpty()) << state;
  }
}

TEST_F(SlurmSchedulerTest, WhatTheClusterEndedIsInterrupted) {
  for (const char* state : {"CANCELLED", "NODE_FAIL", "TIMEOUT", "PREEMPTED"}) {
    scheduler.start(job);
    slurm.queue[slurm.last_id] = state;
    const JobExit exit = only_exit();
    EXPECT_TRUE(exit.interrupted) << state;
    EXPECT_THAT(exit.reason, HasSubstr(std::to_string(slurm.last_id)));
  }
}

TEST_F(SlurmSchedulerTest, OutOfMemoryIsNot) {
  scheduler.start(job);
  slurm.queue[36] = "OUT_OF_MEMORY";
  const JobExit exit = only_exit();
  EXPECT_EQ(exit.exit_code, 88);
  EXPECT_FALSE(exit.interrupted);
}

TEST_F(SlurmSchedulerTest, AJobThatNeverGotToTheRunSaysWhereToLook) {
  scheduler.start(job);
  slurm.queue[36] = "FAILED";
  const JobExit exit = only_exit();
  EXPECT_NE(exit.exit_code, 0);
  EXPECT_THAT(exit.reason, HasSubstr("see log.txt"));
}

TEST_F(SlurmSchedulerTest, AControllerThatIsAwayIsToldOnceAndEndsNothing) {
  scheduler.start(job);
  slurm.squeue = {.exit_code = 1, .err = "slurm_load_jobs error: Unable to contact\n"};
  EXPECT_THAT(poll_for(60), IsEmpty());
  EXPECT_THAT(scheduler.news(), ElementsAre(HasSubstr("does not answer")));
  slurm.squeue = {};
  EXPECT_THAT(poll_for(5), IsEmpty());
  EXPECT_THAT(scheduler.news(), ElementsAre(HasSubstr("answers again")));
}

TEST_F(SlurmSchedulerTest, AJobTheControllerForgotIsNotOverWhileItGivesSignsOfLife) {
  scheduler.start(job);
  Claim claim(job.folder, "36");
  slurm.queue.clear();
  for (int i = 0; i < 20; ++i) {
    claim.beat();
    EXPECT_THAT(poll_for(10), IsEmpty());
  }
  const auto ended = poll_for(100);
  ASSERT_EQ(ended.size(), 1u) << "silent for 90 s";
  EXPECT_TRUE(ended[0].interrupted);
  EXPECT_TRUE(read_claims(job.folder)[0].exit_code) << "the next attempt need not wait for it";
}

TEST_F(SlurmSchedulerTest, TakesOverWhatIsInTheQueueForThisRunAndNothingElse) {
  scheduler.start(job);
  slurm.queue[36] = "RUNNING";
  SlurmScheduler next({}, slurm, clock);
  Job other = job;
  other.folder = root.path() / "net-2";
  EXPECT_FALSE(next.adopt(other));
  EXPECT_TRUE(next.adopt(job));
  EXPECT_TRUE(next.is_running("a"));
  EXPECT_EQ(slurm.calls_of("squeue").size(), 1u) << "one question for all runs";
  slurm.queue[36] = "CANCELLED";
  SlurmScheduler third({}, slurm, clock);
  EXPECT_FALSE(third.adopt(job)) << "it is over";
}

TEST_F(SlurmSchedulerTest, AnSbatchThatMayHaveArrivedIsNotRepeated) {
  slurm.sbatch = {.exit_code = 1,
                  .err =
                      "sbatch: error: Batch job submission failed: Socket "
                      "timed out on send/recv operation\n"};
  slurm.arrives_all_the_same = true;
  scheduler.start(job);
  slurm.sbatch = {};
  slurm.queue[36] = "RUNNING";
  EXPECT_THAT(poll_for(60), IsEmpty());
  EXPECT_EQ(slurm.calls_of("sbatch").size(), 1u);
  EXPECT_TRUE(scheduler.is_running("a"));
}

TEST_F(SlurmSchedulerTest, AnSbatchThatFailedInPassingIsRepeatedLater) {
  slurm.sbatch = {.exit_code = 1,
                  .err =
                      "sbatch: error: Batch job submission failed: Unable to "
                      "contact slurm controller (connect failure)\n"};
  scheduler.start(job);
  EXPECT_THAT(scheduler.news(), ElementsAre(HasSubstr("trying again")));
  slurm.sbatch = {};
  poll_for(60);
  EXPECT_EQ(slurm.calls_of("sbatch").size(), 2u);
}

TEST_F(SlurmSchedulerTest, WhatSbatchRefusesIsOneLine) {
  slurm.sbatch = {.exit_code = 1,
                  .err =
                      "sbatch: error: Batch job submission failed: Requested "
                      "node configuration is not available\n"};
  try {
    scheduler.start(job);
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_EQ(std::string(error.what()),
              "slurm: sbatch refuses net-1: Batch job submission failed: Requested node "
              "configuration is not available");
  }
  EXPECT_TRUE(scheduler.has_room(job));
}

TEST_F(SlurmSchedulerTest, AsksForWhatIsMissingBeforeAnythingIsSubmitted) {
  scheduler.check();
  slurm.sinfo.out = "lo\nhigh\n";
  EXPECT_THAT([&] { scheduler.check(); },
              testing::ThrowsMessage<ConfigError>(
                  AllOf(HasSubstr("unknown partition 'low'"), HasSubstr("high"))));
  slurm.sinfo = {.exit_code = 1, .err = "slurm_load_partitions: Unable to contact\n"};
  EXPECT_THAT([&] { scheduler.check(); },
              testing::ThrowsMessage<IoError>(HasSubstr("controller does not answer")));
  slurm.missing = true;
  EXPECT_THAT([&] { scheduler.check(); },
              testing::ThrowsMessage<ConfigError>(
                  AllOf(HasSubstr("cannot start sbatch"), HasSubstr("--scheduler local"))));
}

TEST_F(SlurmSchedulerTest, WishesAreRepeatedUntilTheyAreObeyed) {
  scheduler.start(job);
  slurm.queue[36] = "RUNNING";
  scheduler.drain("a");
  const auto batch = [&] { return slurm.calls_of("scancel"); };
  EXPECT_THAT(batch(), Contains(ElementsAre("scancel", "--signal=USR2", "--batch", "36")));
  EXPECT_THAT(batch(), Contains(ElementsAre("scancel", "--state=PENDING", "36")));
  const std::size_t first = batch().size();
  poll_for(25);
  EXPECT_GT(batch().size(), first);
  scheduler.stop("a");
  EXPECT_THAT(batch(), Contains(ElementsAre("scancel", "36")));
  slurm.queue[36] = "CANCELLED";
  EXPECT_FALSE(only_exit().interrupted) << "it was our wish";
}

TEST_F(SlurmSchedulerTest, TellsOnceWhyAJobMayWaitForEver) {
  scheduler.start(job);
  slurm.reason = "Resources";
  poll_for(10);
  EXPECT_THAT(scheduler.news(), IsEmpty());
  slurm.reason = "PartitionTimeLimit";
  poll_for(20);
  EXPECT_THAT(scheduler.news(), ElementsAre(HasSubstr("waits: PartitionTimeLimit")));
}

TEST_F(SlurmSchedulerTest, AJobHeldBecauseANodeCouldNotStartItIsTakenBackAndCountsAsInterrupted) {
  scheduler.start(job);
  slurm.reason = "launch failed requeued held";
  EXPECT_TRUE(only_exit().interrupted);
  EXPECT_THAT(slurm.calls_of("scancel"), Contains(ElementsAre("scancel", "36")));
}

TEST_F(SlurmSchedulerTest, AJobThatRunsOnlyInSlurmsEyesIsTakenBack) {
  scheduler.start(job);
  slurm.queue[36] = "RUNNING";
  EXPECT_THAT(poll_for(80), IsEmpty());
  Claim claim(job.folder, "36");
  EXPECT_THAT(poll_for(80), IsEmpty()) << "it has begun after all";
  claim.beat();
  EXPECT_THAT(poll_for(80), IsEmpty());
  const auto ended = poll_for(120);
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_TRUE(ended[0].interrupted);
  EXPECT_THAT(slurm.calls_of("scancel"), Contains(ElementsAre("scancel", "36")));
}

TEST_F(SlurmSchedulerTest, AFolderThatSbatchWouldRewriteIsRefused) {
  job.folder = root.path() / "100%j";
  fs::create_directories(job.folder);
  EXPECT_THROW(scheduler.start(job), ConfigError);
}

TEST(SchedulerRegistry, KnowsItsNames) {
  FakeSlurm tools;
  SystemProcesses processes;
  FakeClock clock;
  TemporaryFolder root;
  write_file_atomically(root.path() / "hosts", "n1 slots=2\n");
  for (const std::string& name : scheduler_names())
    EXPECT_THAT(
        make_scheduler({.name = name, .hostfile = root.path() / "hosts"}, processes, tools, clock)
            ->describe(),
        StartsWith(name + ":"));
  EXPECT_THAT([&] { make_scheduler({.name = "slrum"}, processes, tools, clock); },
              testing::ThrowsMessage<ConfigError>(HasSubstr("did you mean 'slurm'")));
}

}  // namespace
}  // namespace hadal::launcher

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
      if (sbatch.ok() || arrives_all_the_same) accept(arguments);
      return sbatch.ok() ? ToolOutput{.out = fmt::format("{}\n", last_id)} : sbatch;
    }
    if (program == "squeue") {
      if (!squeue.ok()) return squeue;
      std::string lines = "7|RUNNING|somebody | else's|None\n";
      for (const auto& [id, state] : queue)
        lines += fmt::format("{}|{}|{}|{}\n", id, state, comments[id], reason);
      return {.out = lines};
    }
    if (program == "sinfo") return sinfo;
    if (program == "scontrol")
      return {.out = "MailProg = /bin/true\nMaxArraySize            = 4\n"};
    return {};
  }

  void accept(const std::vector<std::string>& arguments) {
    std::string comment, id = std::to_string(++last_id);
    std::vector<std::string> ids = {id};
    for (const std::string& argument : arguments) {
      if (argument.starts_with("--comment=")) comment = argument.substr(10);
      if (!argument.starts_with("--array=0-")) continue;
      ids.clear();
      for (int task = 0; task <= std::stoi(argument.substr(10)); ++task)
        ids.push_back(fmt::format("{}_{}", id, task));
    }
    for (const std::string& one : ids) queue[one] = "PENDING", comments[one] = comment;
  }

  std::vector<std::vector<std::string>> calls_of(const std::string& program) const {
    std::vector<std::vector<std::string>> found;
    for (const auto& call : calls)
      if (call[0] == program) found.push_back(call);
    return found;
  }

  std::vector<std::vector<std::string>> calls;
  std::map<std::string, std::string> queue;  // id, state
  std::map<std::string, std::string> comments;
  std::string reason = "None";
  ToolOutput sbatch, squeue, sinfo{.out = "low\nhigh\n"};
  bool missing = false, arrives_all_the_same = false;
  int last_id = 35;
};

class SlurmSchedulerTest : public testing::Test {
 protected:
  void SetUp() override { job = job_of("net-1"); }

  Job job_of(const std::string& name) {
    Job other{.id = name,
              .folder = root.path() / "depth" / name,
              .command = {"/opt/hadal", "train", "$(rm -rf x)"},
              .ranks = 4,
              .cores_per_rank = 2,
              .gpus_per_rank = 1,
              .time_limit_s = 3600};
    fs::create_directories(other.folder);
    return other;
  }

  std::string in_slurm_folder(const std::string& name) {
    return (root.path() / "depth" / "slurm" / name).string();
  }

  // Jobs are submitted when poll() is called next.
  void start(const std::vector<Job>& jobs) {
    for (const Job& one : jobs) scheduler.start(one);
    EXPECT_THAT(scheduler.poll(), IsEmpty());
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
  Job job;
};

TEST_F(SlurmSchedulerTest, SubmitsWithTheResourcesOfTheRun) {
  ::setenv("OMPI_MCA_btl", "tcp,self", 1);
  start({job});
  const auto sbatch = slurm.calls_of("sbatch").at(0);
  for (const std::string expected :
       {"--ntasks=4", "--cpus-per-task=2", "--gpus-per-task=1", "--time=62:00", "--partition=low",
        "--requeue", "--signal=B:USR1@120", "--job-name=net-1", "--account=sea"})
    EXPECT_THAT(sbatch, Contains(expected));
  EXPECT_THAT(sbatch, Not(Contains(StartsWith("--array"))));
  EXPECT_THAT(sbatch,
              Contains("--output=" + in_slurm_folder(read_ticket(job.folder)->mark + ".txt")));
  EXPECT_THAT(std::vector(sbatch.end() - 5, sbatch.end()),
              ElementsAre(in_slurm_folder("job.sh"), "/opt/hadal", "sweep", "attempt",
                          in_slurm_folder(read_ticket(job.folder)->mark + ".json")));
  EXPECT_THAT(sbatch, Contains(AllOf(StartsWith("--export=PATH,"), HasSubstr("OMPI_MCA_btl"),
                                     Not(HasSubstr("ALL")))))
      << "sbatch would store the whole environment";
  ::unsetenv("OMPI_MCA_btl");
}

TEST_F(SlurmSchedulerTest, TheCommandTravelsInAFileThatNoShellReads) {
  start({job});
  EXPECT_EQ(read_file(in_slurm_folder("job.sh")), "#!/bin/sh\nexec \"$@\"\n");
  EXPECT_EQ(read_batch_job(job.folder).job.command, job.command);
  for (const auto& call : slurm.calls) EXPECT_THAT(call, Not(Contains(HasSubstr("rm -rf"))));
}

TEST_F(SlurmSchedulerTest, WaitsRunsAndEnds) {
  start({job});
  EXPECT_THAT(poll_for(5), IsEmpty());
  EXPECT_FALSE(scheduler.is_running("net-1"));
  slurm.queue["36"] = "RUNNING";
  EXPECT_THAT(poll_for(5), IsEmpty());
  EXPECT_TRUE(scheduler.is_running("net-1"));
  const Claim claim(job.folder, "36");
  release_claim(job.folder, claim.number(), 78);
  slurm.queue["36"] = "FAILED";
  EXPECT_EQ(only_exit().exit_code, 78);
}

TEST_F(SlurmSchedulerTest, AJobThatMakesRoomAndComesBackHasNotEnded) {
  start({job});
  for (const char* state : {"RUNNING", "COMPLETING", "REQUEUED", "PENDING", "RUNNING"}) {
    slurm.queue["36"] = state;
    EXPECT_THAT(poll_for(5), IsEmpty()) << state;
  }
}

TEST_F(SlurmSchedulerTest, WhatTheClusterEndedIsInterrupted) {
  for (const char* state : {"CANCELLED", "NODE_FAIL", "TIMEOUT", "PREEMPTED"}) {
    start({job});
    slurm.queue[std::to_string(slurm.last_id)] = state;
    const JobExit exit = only_exit();
    EXPECT_TRUE(exit.interrupted) << state;
    EXPECT_THAT(exit.reason, HasSubstr(std::to_string(slurm.last_id)));
  }
}

TEST_F(SlurmSchedulerTest, OutOfMemoryIsNot) {
  start({job});
  slurm.queue["36"] = "OUT_OF_MEMORY";
  const JobExit exit = only_exit();
  EXPECT_EQ(exit.exit_code, 88);
  EXPECT_FALSE(exit.interrupted);
}

TEST_F(SlurmSchedulerTest, AJobThatNeverGotToTheRunSaysWhereToLook) {
  start({job});
  slurm.queue["36"] = "FAILED";
  const JobExit exit = only_exit();
  EXPECT_NE(exit.exit_code, 0);
  EXPECT_THAT(exit.reason, HasSubstr("see slurm/" + read_ticket(job.folder)->mark + ".txt"));
}

TEST_F(SlurmSchedulerTest, AControllerThatIsAwayIsToldOnceAndEndsNothing) {
  start({job});
  slurm.squeue = {.exit_code = 1, .err = "slurm_load_jobs error: Unable to contact\n"};
  EXPECT_THAT(poll_for(60), IsEmpty());
  EXPECT_THAT(scheduler.news(), ElementsAre(HasSubstr("does not answer")));
  slurm.squeue = {};
  EXPECT_THAT(poll_for(5), IsEmpty());
  EXPECT_THAT(scheduler.news(), ElementsAre(HasSubstr("answers again")));
}

TEST_F(SlurmSchedulerTest, AJobTheControllerForgotIsNotOverWhileItGivesSignsOfLife) {
  start({job});
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
  start({job});
  slurm.queue["36"] = "RUNNING";
  slurm.calls.clear();
  SlurmScheduler next({}, slurm, clock);
  EXPECT_FALSE(next.adopt(job_of("net-2")));
  EXPECT_TRUE(next.adopt(job));
  EXPECT_TRUE(next.is_running("net-1"));
  EXPECT_EQ(slurm.calls_of("squeue").size(), 1u) << "one question for all runs";
  slurm.queue["36"] = "CANCELLED";
  SlurmScheduler third({}, slurm, clock);
  EXPECT_FALSE(third.adopt(job)) << "it is over";
}

TEST_F(SlurmSchedulerTest, AnSbatchThatMayHaveArrivedIsNotRepeated) {
  slurm.sbatch = {.exit_code = 1,
                  .err =
                      "sbatch: error: Batch job submission failed: Socket "
                      "timed out on send/recv operation\n"};
  slurm.arrives_all_the_same = true;
  start({job});
  slurm.sbatch = {};
  slurm.queue["36"] = "RUNNING";
  EXPECT_THAT(poll_for(60), IsEmpty());
  EXPECT_EQ(slurm.calls_of("sbatch").size(), 1u);
  EXPECT_TRUE(scheduler.is_running("net-1"));
}

TEST_F(SlurmSchedulerTest, AnSbatchThatFailedInPassingIsRepeatedLater) {
  slurm.sbatch = {.exit_code = 1,
                  .err =
                      "sbatch: error: Batch job submission failed: Unable to "
                      "contact slurm controller (connect failure)\n"};
  start({job});
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
  scheduler.start(job);
  const JobExit exit = only_exit();
  EXPECT_EQ(exit.exit_code, 78);
  EXPECT_EQ(exit.reason,
            "slurm: sbatch refuses net-1: Batch job submission failed: Requested node "
            "configuration is not available");
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
  start({job});
  slurm.queue["36"] = "RUNNING";
  scheduler.drain("net-1");
  scheduler.poll();
  const auto batch = [&] { return slurm.calls_of("scancel"); };
  EXPECT_THAT(batch(), Contains(ElementsAre("scancel", "--signal=USR2", "--batch", "36")));
  EXPECT_THAT(batch(), Contains(ElementsAre("scancel", "--state=PENDING", "36")));
  const std::size_t first = batch().size();
  poll_for(25);
  EXPECT_GT(batch().size(), first);
  scheduler.stop("net-1");
  scheduler.poll();
  EXPECT_THAT(batch(), Contains(ElementsAre("scancel", "36")));
  slurm.queue["36"] = "CANCELLED";
  EXPECT_FALSE(only_exit().interrupted) << "it was our wish";
}

TEST_F(SlurmSchedulerTest, TellsOnceWhyAJobMayWaitForEver) {
  start({job});
  slurm.reason = "Resources";
  poll_for(10);
  EXPECT_THAT(scheduler.news(), IsEmpty());
  slurm.reason = "PartitionTimeLimit";
  poll_for(20);
  EXPECT_THAT(scheduler.news(), ElementsAre(HasSubstr("waits: PartitionTimeLimit")));
}

TEST_F(SlurmSchedulerTest, AJobHeldBecauseANodeCouldNotStartItIsTakenBackAndCountsAsInterrupted) {
  start({job});
  slurm.reason = "launch failed requeued held";
  EXPECT_TRUE(only_exit().interrupted);
  EXPECT_THAT(slurm.calls_of("scancel"), Contains(ElementsAre("scancel", "36")));
}

TEST_F(SlurmSchedulerTest, AJobThatRunsOnlyInSlurmsEyesIsTakenBack) {
  start({job});
  slurm.queue["36"] = "RUNNING";
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
  job.folder = root.path() / "100%j" / "net-1";
  fs::create_directories(job.folder);
  EXPECT_THROW(scheduler.start(job), ConfigError);
}

TEST_F(SlurmSchedulerTest, RunsThatStartTogetherAreOneArray) {
  const std::vector<Job> jobs = {job_of("net-3"), job_of("net-1"), job_of("net-2")};
  start(jobs);
  ASSERT_EQ(slurm.calls_of("sbatch").size(), 1u);
  const auto sbatch = slurm.calls_of("sbatch")[0];
  EXPECT_THAT(sbatch, Contains("--array=0-2%3"));
  EXPECT_THAT(sbatch, Contains("--job-name=depth")) << "the sweep's folder";
  const std::string list = read_file(sbatch.back());
  EXPECT_LT(list.find("net-3"), list.find("net-1")) << "in the order they were started";
  EXPECT_LT(list.find("net-1"), list.find("net-2"));
  EXPECT_EQ(read_ticket(jobs[1].folder)->task, 1);

  slurm.queue["36_0"] = "RUNNING";
  poll_for(5);
  EXPECT_TRUE(scheduler.is_running("net-3"));
  EXPECT_FALSE(scheduler.is_running("net-1"));
  slurm.queue["36_1"] = "CANCELLED";
  const JobExit exit = only_exit();
  EXPECT_EQ(exit.id, "net-1") << "one task, and nothing of the others";
  EXPECT_TRUE(exit.interrupted);
  scheduler.drain("net-2");
  scheduler.poll();
  EXPECT_THAT(slurm.calls_of("scancel"),
              Contains(ElementsAre("scancel", "--state=PENDING", "36_2")));
}

TEST_F(SlurmSchedulerTest, ATaskThatComesBackKeepsItsNumber) {
  const std::vector<Job> jobs = {job_of("net-1"), job_of("net-2")};
  start(jobs);
  for (const char* state : {"RUNNING", "COMPLETING", "REQUEUED", "PENDING", "RUNNING"}) {
    slurm.queue["36_1"] = state;
    EXPECT_THAT(poll_for(5), IsEmpty()) << state;
  }
}

TEST_F(SlurmSchedulerTest, ALauncherThatComesBackKnowsTasksByTheirNumber) {
  start({job_of("net-1"), job_of("net-2"), job_of("net-3")});
  slurm.queue["36_0"] = "COMPLETED";
  slurm.queue["36_1"] = "RUNNING";
  SlurmScheduler next({}, slurm, clock);
  EXPECT_FALSE(next.adopt(job_of("net-1"))) << "it is over";
  EXPECT_TRUE(next.adopt(job_of("net-2")));
  EXPECT_TRUE(next.adopt(job_of("net-3")));
  EXPECT_TRUE(next.is_running("net-2"));
  EXPECT_FALSE(next.is_running("net-3"));
}

TEST_F(SlurmSchedulerTest, ArraysAreNoLargerThanTheControllerAllows) {
  scheduler.check();  // four tasks
  std::vector<Job> jobs;
  for (int i = 0; i < 9; ++i) jobs.push_back(job_of(fmt::format("net-{}", i)));
  jobs[1].ranks = 2;  // not like the others
  start(jobs);
  std::vector<std::string> arrays;
  for (const auto& call : slurm.calls_of("sbatch"))
    for (const std::string& argument : call)
      if (argument.starts_with("--array")) arrays.push_back(argument);
  EXPECT_THAT(arrays, ElementsAre("--array=0-3%4", "--array=0-3%4"));
}

TEST_F(SlurmSchedulerTest, NoMoreRunAtATimeThanAreWanted) {
  SlurmScheduler few({.most_running = 2}, slurm, clock);
  for (int i = 0; i < 5; ++i) few.start(job_of(fmt::format("net-{}", i)));
  few.poll();
  EXPECT_THAT(slurm.calls_of("sbatch").at(0), Contains("--array=0-4%2"));
  const Job late = job_of("net-9");
  few.start(late);
  const auto poll = [&] {
    for (int i = 0; i < 10; ++i, clock.sleep(0.5)) few.poll();
  };
  poll();
  EXPECT_EQ(slurm.calls_of("sbatch").size(), 1u) << "the array takes both places";
  for (int task = 0; task < 4; ++task) slurm.queue[fmt::format("36_{}", task)] = "CANCELLED";
  poll();
  EXPECT_EQ(slurm.calls_of("sbatch").size(), 2u);
}

TEST_F(SlurmSchedulerTest, WhatIsNotSubmittedYetIsTakenBackAtOnce) {
  scheduler.start(job);
  scheduler.drain("net-1");
  EXPECT_EQ(only_exit().exit_code, 75);
  EXPECT_THAT(slurm.calls, IsEmpty());
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

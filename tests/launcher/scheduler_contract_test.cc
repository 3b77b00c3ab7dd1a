// What SweepRunner relies on, whoever starts the runs. Linked into several programs, each with the
// schedulers it has (harness_makers()).
#include "tests/launcher/scheduler_contract.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/files.h"
#include "launcher/processes.h"
#include "launcher/run_store.h"

namespace hadal::launcher {

namespace fs = std::filesystem;

Job fake_training(const fs::path& root, const std::string& id, const std::string& words) {
  const fs::path folder = root / id;
  fs::create_directories(folder);
  write_file_atomically(folder / "spec.textproto", words);
  return {.id = id,
          .folder = folder,
          .command = {FAKE_TRAINER, "train", folder / "spec.textproto", "--out", folder},
          .ranks = 2};
}

bool fake_training_has_begun(const Job& job) {
  return read_progress(job.folder).value_or(Progress{}).step >= 1;
}

int fake_training_alive(const Job& job) {
  SystemProcesses processes;
  return static_cast<int>(processes.find_marked("HADAL_RUN", job.folder.string()).size());
}

namespace {

using testing::AnyOf;
using testing::Eq;
using testing::HasSubstr;
using testing::Not;

constexpr double kSoon_s = 60;  // generous: the machine may be busy; a hang is what we look for
constexpr const char* kForever = "steps=1000000";

class SchedulerContract : public testing::TestWithParam<HarnessMaker> {
 protected:
  void SetUp() override {
    if (const std::string missing = GetParam().missing(); !missing.empty()) GTEST_SKIP() << missing;
    harness = GetParam().make();
  }

  void TearDown() override {
    for (const Job& job : jobs) {
      scheduler().stop(job.id);
      EXPECT_TRUE(within(kSoon_s, [&] { return harness->alive(job) == 0; })) << job.id;
    }
  }

  Scheduler& scheduler() { return harness->scheduler(); }

  Job start(const std::string& id, const std::string& words,
            const std::vector<std::string>& more = {}) {
    Job job = harness->job(id, words);
    job.command.insert(job.command.end(), more.begin(), more.end());
    scheduler().start(job);
    jobs.push_back(job);
    return job;
  }

  Job start_and_wait(const std::string& id, const std::string& words) {
    const Job job = start(id, words);
    EXPECT_TRUE(within(kSoon_s, [&] { return harness->has_begun(job); })) << id;
    return job;
  }

  template <typename Condition>
  bool within(double seconds, Condition condition) {
    Clock& clock = harness->clock();
    for (const double end = clock.now_s() + seconds; clock.now_s() < end; clock.sleep(0.05)) {
      for (const JobExit& exit : scheduler().poll()) ended.push_back(exit);
      if (condition()) return true;
    }
    return condition();
  }

  // The end of this job, told once; a test failure when it does not come.
  JobExit end_of(const Job& job) {
    const auto is_it = [&](const JobExit& exit) { return exit.id == job.id; };
    EXPECT_TRUE(within(kSoon_s, [&] { return std::ranges::count_if(ended, is_it) > 0; }));
    EXPECT_EQ(std::ranges::count_if(ended, is_it), 1);
    const auto at = std::ranges::find_if(ended, is_it);
    return at == ended.end() ? JobExit{.id = job.id, .exit_code = -1} : *at;
  }

  std::unique_ptr<SchedulerHarness> harness;
  std::vector<Job> jobs;
  std::vector<JobExit> ended;
};

TEST_P(SchedulerContract, AJobRunsWritesItsResultAndEndsOnce) {
  const Job job = start("a", "steps=5");
  EXPECT_EQ(end_of(job).exit_code, 0);
  EXPECT_EQ(read_result(job.folder).value().status, RunStatus::kFinished);
  EXPECT_EQ(harness->alive(job), 0);
  EXPECT_FALSE(scheduler().is_running("a"));
  within(2, [] { return false; });
  EXPECT_EQ(ended.size(), 1u);
}

TEST_P(SchedulerContract, TheExitCodeOfARankComesThrough) {
  const JobExit exit = end_of(start("a", "die_at=2 die=words78"));
  EXPECT_EQ(exit.exit_code, 78);
  EXPECT_FALSE(exit.interrupted);
}

TEST_P(SchedulerContract, AKilledRankIsSeenAsKilled) {
  const JobExit exit = end_of(start("a", "die_at=2 die=kill"));
  EXPECT_EQ(exit.exit_code, 137);
}

TEST_P(SchedulerContract, DrainingSavesAndSays75) {
  const Job job = start_and_wait("a", kForever);
  EXPECT_TRUE(within(kSoon_s, [&] { return scheduler().is_running("a"); }));
  scheduler().drain("a");
  const JobExit exit = end_of(job);
  EXPECT_EQ(exit.exit_code, 75);
  EXPECT_FALSE(exit.interrupted) << "it was our wish";
  EXPECT_EQ(read_result(job.folder).value().status, RunStatus::kDrained);
}

TEST_P(SchedulerContract, StoppingEndsTheDeaf) {
  const Job job = start_and_wait("a", "steps=1000000 ignore=1");
  scheduler().stop("a");
  const JobExit exit = end_of(job);
  EXPECT_NE(exit.exit_code, 0);
  EXPECT_FALSE(exit.interrupted);
  EXPECT_EQ(harness->alive(job), 0);
}

TEST_P(SchedulerContract, StoppingAfterDrainingEndsIt) {
  const Job job = start_and_wait("a", "steps=1000000 ignore=1");
  scheduler().drain("a");
  scheduler().stop("a");
  EXPECT_NE(end_of(job).exit_code, 0);
}

TEST_P(SchedulerContract, WhatItDoesNotKnowItPassesOver) {
  scheduler().drain("nobody");
  scheduler().stop("nobody");
  EXPECT_FALSE(scheduler().is_running("nobody"));
  EXPECT_THAT(scheduler().poll(), testing::IsEmpty());
}

TEST_P(SchedulerContract, JobsSideBySideEndEachWithItsOwnCode) {
  const Job probe = harness->job("probe", "");
  std::vector<Job> started;
  while (started.size() < 3 && scheduler().has_room(probe))
    started.push_back(start(fmt::format("job{}", started.size()),
                            started.size() == 1 ? "die_at=2 die=words78" : "steps=20"));
  ASSERT_GE(started.size(), 1u);
  for (std::size_t i = 0; i < started.size(); ++i)
    EXPECT_EQ(end_of(started[i]).exit_code, i == 1 ? 78 : 0);
  EXPECT_TRUE(scheduler().has_room(probe)) << "room again for those that ended";
}

TEST_P(SchedulerContract, OneOfSeveralIsStoppedAndTheOthersDoNotNotice) {
  const Job probe = harness->job("probe", "");
  std::vector<Job> started;
  while (started.size() < 2 && scheduler().has_room(probe))
    started.push_back(start(fmt::format("job{}", started.size()), kForever));
  for (const Job& job : started)
    EXPECT_TRUE(within(kSoon_s, [&] { return harness->has_begun(job); })) << job.id;
  scheduler().stop("job0");
  EXPECT_NE(end_of(started[0]).exit_code, 0);
  for (std::size_t i = 1; i < started.size(); ++i) {
    EXPECT_TRUE(scheduler().is_running(started[i].id));
    EXPECT_GT(harness->alive(started[i]), 0);
    scheduler().drain(started[i].id);
    EXPECT_EQ(end_of(started[i]).exit_code, 75);
  }
}

TEST_P(SchedulerContract, ARunGoesOnFromWhereItWasDrained) {
  const Job job = start_and_wait("a", "steps=100 save_every=1000");
  scheduler().drain("a");
  EXPECT_EQ(end_of(job).exit_code, 75);
  ended.clear();
  scheduler().start(job);
  EXPECT_EQ(end_of(job).exit_code, 0);
  EXPECT_THAT(read_file(job.folder / "started_at"), Not(HasSubstr(" 0 ")));
}

TEST_P(SchedulerContract, ArgumentsArriveByteForByteAndNothingOfThemIsExecuted) {
  const fs::path canary = fs::path(harness->job("canary", "").folder) / "touched";
  const std::vector<std::string> hostile = {fmt::format("$(touch {})", canary.string()),
                                            fmt::format("`touch {}`", canary.string()),
                                            fmt::format("a;touch {}", canary.string()),
                                            "it's \"quoted\" \\ and\nbroken",
                                            "--mca",
                                            "*",
                                            "%j %x $HOME",
                                            "ü☃",
                                            "",
                                            " "};
  const Job job = start("a", "steps=1", hostile);
  EXPECT_EQ(end_of(job).exit_code, 0);
  std::string expected;
  for (const std::string& argument : hostile) expected += argument + '\0';
  EXPECT_EQ(read_file(job.folder / "arguments"), expected);
  EXPECT_FALSE(fs::exists(canary));
}

TEST_P(SchedulerContract, DescribesItselfOnOneLine) {
  EXPECT_FALSE(scheduler().describe().empty());
  EXPECT_THAT(scheduler().describe(), Not(HasSubstr("\n")));
}

INSTANTIATE_TEST_SUITE_P(Schedulers, SchedulerContract, testing::ValuesIn(harness_makers()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace hadal::launcher

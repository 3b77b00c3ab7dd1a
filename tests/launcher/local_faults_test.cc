// Real mpirun, real signals: the local scheduler and the whole program under faults. After each
// test nothing of it may be left running.
#include <algorithm>
#include <csignal>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "core/base/files.h"
#include "core/base/strings.h"
#include "launcher/environment.h"
#include "launcher/schedulers/local.h"
#include "launcher/sweep_store.h"

namespace hadal::launcher {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr double kSoon_s = 20;  // generous: the machine may be busy; a hang is what we look for

class Faults : public testing::Test {
 protected:
  void TearDown() override {
    for (const fs::path& folder : folders) {
      EXPECT_TRUE(within(kSoon_s, [&] { return alive(folder).empty(); })) << folder;
      for (const int pid : alive(folder)) processes.send_signal(pid, SIGKILL);
    }
  }

  std::vector<int> alive(const fs::path& folder) {
    return processes.find_marked("HADAL_RUN", folder.string());
  }

  template <typename Condition>
  bool within(double seconds, Condition condition) {
    for (const double end = clock.now_s() + seconds; clock.now_s() < end; clock.sleep(0.05))
      if (condition()) return true;
    return condition();
  }

  TemporaryFolder root;
  SystemProcesses processes;
  SystemClock clock;
  std::vector<fs::path> folders;  // of runs
};

class LocalFaults : public Faults {
 protected:
  LocalOptions options(int ranks) const {
    return {.cores = usable_cores(), .ranks = ranks, .as_root = ::geteuid() == 0};
  }

  Job job(const std::string& id, const std::string& words, int ranks = 2) {
    const fs::path folder = root.path() / id;
    fs::create_directories(folder);
    folders.push_back(folder);
    write_file_atomically(folder / "spec.textproto", words);
    return {.id = id,
            .folder = folder,
            .command = {FAKE_TRAINER, "train", folder / "spec.textproto", "--out", folder},
            .ranks = ranks};
  }

  int wait(LocalScheduler& scheduler) {
    int exit_code = -1;
    EXPECT_TRUE(within(kSoon_s, [&] {
      for (const JobExit& ended : scheduler.poll()) exit_code = ended.exit_code;
      return exit_code >= 0;
    }));
    return exit_code;
  }

  // At least so many steps done.
  bool reaches(const Job& job, long long step) {
    return within(kSoon_s,
                  [&] { return read_progress(job.folder).value_or(Progress{}).step >= step; });
  }

  int run(const std::string& words, int ranks = 2) {
    LocalScheduler scheduler(options(ranks), processes, clock);
    scheduler.start(job("a", words, ranks));
    return wait(scheduler);
  }
};

TEST_F(LocalFaults, AnOrderlyRunEndsOrderly) {
  EXPECT_EQ(run("steps=5"), 0);
  EXPECT_EQ(read_result(folders[0]).value().status, RunStatus::kFinished);
  EXPECT_EQ(read_file(folders[0] / "threads"), "1");
  EXPECT_TRUE(fs::exists(folders[0] / "log.txt"));
}

TEST_F(LocalFaults, ExitCodesAndSignalsOfARankComeThrough) {
  EXPECT_EQ(run("die_at=2 die=words78"), 78);
  EXPECT_THAT(read_file(folders[0] / "log.txt"), HasSubstr("hadal: the fake has had enough\n"));
  EXPECT_EQ(run("die_at=2 die=kill"), 137);
  EXPECT_EQ(run("die_at=2 die=segv"), 139);
}

TEST_F(LocalFaults, DrainingSavesAndSays75) {
  LocalScheduler scheduler(options(2), processes, clock);
  const Job draining = job("a", "steps=1000000");
  scheduler.start(draining);
  ASSERT_TRUE(reaches(draining, 3));
  scheduler.drain("a");
  EXPECT_EQ(wait(scheduler), 75);
  EXPECT_GE(std::stoi(read_file(draining.folder / "checkpoints" / "step")), 3);
}

TEST_F(LocalFaults, StoppingEndsRanksThatAreDeaf) {
  LocalScheduler scheduler(options(2), processes, clock);
  const Job deaf = job("a", "steps=1000000 ignore=1");
  scheduler.start(deaf);
  ASSERT_TRUE(reaches(deaf, 3));
  scheduler.drain("a");
  scheduler.stop("a");
  EXPECT_NE(wait(scheduler), 0);
  EXPECT_THAT(alive(deaf.folder), IsEmpty());
}

TEST_F(LocalFaults, NothingIsLeftWhenMpirunIsKilled) {
  LocalScheduler scheduler(options(2), processes, clock);
  const Job orphaned = job("a", "steps=1000000 ignore=1");
  scheduler.start(orphaned);
  ASSERT_TRUE(reaches(orphaned, 3));
  const std::vector<int> before = alive(orphaned.folder);
  ASSERT_THAT(before, SizeIs(3)) << "mpirun and two ranks";
  processes.send_signal(*std::min_element(before.begin(), before.end()), SIGKILL);
  EXPECT_EQ(wait(scheduler), 137);
  EXPECT_THAT(alive(orphaned.folder), IsEmpty());
}

TEST_F(LocalFaults, RunsSideBySideDoNotShareCores) {
  if (usable_cores().size() < 2) GTEST_SKIP() << "one core only";
  LocalScheduler scheduler(options(1), processes, clock);
  const Job a = job("a", "steps=20", 1), b = job("b", "steps=20", 1);
  scheduler.start(a);
  scheduler.start(b);
  std::size_t ended = 0;
  EXPECT_TRUE(within(kSoon_s, [&] { return (ended += scheduler.poll().size()) == 2; }));
  const std::string cores_of_a = read_file(a.folder / "cores");
  EXPECT_NE(cores_of_a, read_file(b.folder / "cores"));
  EXPECT_EQ(split(trim(cores_of_a), ' ').size(), 1u);
}

TEST_F(LocalFaults, AProgramThatIsNotThereIsAnError) {
  LocalOptions wrong = options(1);
  wrong.mpirun = "/nowhere/mpirun";
  LocalScheduler scheduler(wrong, processes, clock);
  EXPECT_ANY_THROW(scheduler.start(job("a", "", 1)));
}

// The program itself, with the fake trainer: two runs of one rank each, one at a time.
class ProgramFaults : public Faults {
 protected:
  void write_sweep(const std::string& words) {
    std::ofstream(root.path() / "s.textproto") << fmt::format(R"(
        name: "s"
        experiment {{
          name: "fake" note: "{}"
          model {{ name: "resnet" set: "depth=8" }}
          data {{ name: "generator" }}
          optimizer {{ learning_rate: 0.1 }}
          epochs: 1
        }}
        seed: 1 seed: 2
        resources {{ ranks: 1 }})",
                                                              words);
  }

  int start() {
    return processes.start(
        {.arguments = {HADAL_PROGRAM, "sweep", "run", root.path() / "s.textproto", "--runs",
                       root.path() / "runs", "--slots", "1", "--trainer", FAKE_TRAINER},
         .log = root.path() / "out.txt"});
  }

  int wait(int pid) {
    std::optional<int> code;
    EXPECT_TRUE(within(2 * kSoon_s, [&] { return (code = processes.try_wait(pid)).has_value(); }))
        << output();
    if (!code) processes.send_signal(pid, SIGKILL);
    return code.value_or(-1);
  }

  std::string output() { return read_file(root.path() / "out.txt"); }
  SweepRecord sweep() { return read_sweep(root.path() / "runs" / "s"); }

  // The first run has begun; its folder is watched by TearDown.
  fs::path first_run_at_step(long long step) {
    EXPECT_TRUE(
        within(kSoon_s, [&] { return fs::exists(root.path() / "runs" / "s" / "plan.json"); }));
    for (const auto& run : sweep().runs) folders.push_back(fs::absolute(run.folder));
    EXPECT_TRUE(within(kSoon_s, [&] {
      return read_progress(folders[0]).value_or(Progress{}).step >= step;
    })) << output();
    return folders[0];
  }
};

TEST_F(ProgramFaults, ASweepRunsAndIsNotRepeated) {
  write_sweep("steps=5");
  EXPECT_EQ(wait(start()), 0) << output();
  for (const auto& run : sweep().runs) EXPECT_TRUE(run.record->finished());
  EXPECT_THAT(output(), HasSubstr("table: hadal table"));
  EXPECT_EQ(wait(start()), 0);
  EXPECT_THAT(output(), HasSubstr("2 of 2 finished before"));
  for (const auto& run : sweep().runs) EXPECT_EQ(read_file(run.folder / "started_at"), "0 ");
}

TEST_F(ProgramFaults, AKilledRankResumesFromItsCheckpoint) {
  write_sweep("steps=10 save_every=5 die_at=7 die=kill die_once=1");
  EXPECT_EQ(wait(start()), 0) << output();
  for (const auto& run : sweep().runs) {
    EXPECT_TRUE(run.record->finished());
    EXPECT_EQ(read_file(run.folder / "started_at"), "0 5 ");
  }
}

TEST_F(ProgramFaults, AFailingSweepSaysSoAndGoesOn) {
  write_sweep("die_at=2 die=words78");
  EXPECT_EQ(wait(start()), 1);
  EXPECT_THAT(output(), HasSubstr("the fake has had enough (exit code 78)"));
  for (const auto& run : sweep().runs)
    EXPECT_EQ(run.record->result->reason, "the fake has had enough");
}

TEST_F(ProgramFaults, CtrlCSavesAndTheSameCommandGoesOn) {
  write_sweep("steps=100 save_every=1000");
  const int launcher = start();
  const fs::path run = first_run_at_step(3);
  processes.send_signal(launcher, SIGINT);
  EXPECT_EQ(wait(launcher), 130);
  EXPECT_EQ(read_result(run).value().status, RunStatus::kDrained);
  EXPECT_THAT(output(), HasSubstr("the same command goes on"));
  EXPECT_EQ(wait(start()), 0);
  EXPECT_THAT(read_file(run / "started_at"), testing::Not("0 0 ")) << "resumed, not begun again";
}

TEST_F(ProgramFaults, CtrlCTwiceEndsWhatIsDeaf) {
  write_sweep("steps=1000000 ignore=1");
  const int launcher = start();
  first_run_at_step(3);
  processes.send_signal(launcher, SIGTERM);
  ASSERT_TRUE(within(kSoon_s, [&] { return output().find("draining") != std::string::npos; }));
  processes.send_signal(launcher, SIGTERM);
  EXPECT_EQ(wait(launcher), 75);
  EXPECT_THAT(alive(folders[0]), IsEmpty());
}

TEST_F(ProgramFaults, AKilledLauncherLeavesNothingTrainingAndLosesNothing) {
  write_sweep("steps=60 save_every=1000");
  const int launcher = start();
  const fs::path run = first_run_at_step(3);
  processes.send_signal(launcher, SIGKILL);
  EXPECT_EQ(wait(launcher), 137);
  EXPECT_TRUE(within(kSoon_s, [&] { return alive(run).empty(); }));
  EXPECT_EQ(read_result(run).value().status, RunStatus::kDrained) << "it saved itself";
  EXPECT_EQ(wait(start()), 0) << output();
  for (const auto& finished : sweep().runs) EXPECT_TRUE(finished.record->finished());
  EXPECT_THAT(read_file(run / "started_at"), testing::Not("0 0 "));
}

TEST_F(ProgramFaults, ASecondLauncherIsTurnedAway) {
  write_sweep("steps=1000000");
  const int launcher = start();
  first_run_at_step(1);
  EXPECT_EQ(wait(start()), 73);
  EXPECT_THAT(output(),
              HasSubstr(fmt::format("another launcher is at work here (pid {}", launcher)));
  processes.send_signal(launcher, SIGINT);
  EXPECT_EQ(wait(launcher), 130);
}

TEST_F(ProgramFaults, AFolderThatCannotBeMadeIsOneLine) {
  write_sweep("");
  std::ofstream(root.path() / "runs") << "a file in the way";
  EXPECT_NE(wait(start()), 0);
  EXPECT_THAT(output(), testing::StartsWith("hadal: "));
  EXPECT_EQ(split(output(), '\n').size(), 2u) << output();
}

}  // namespace
}  // namespace hadal::launcher

// The whole program with a real Slurm under faults: what is cancelled, preempted, restarted or
// killed costs nothing but time.
#include <algorithm>
#include <csignal>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/strings.h"
#include "launcher/claim.h"
#include "launcher/schedulers/slurm_job.h"
#include "launcher/sweep_store.h"
#include "tests/launcher/program_test.h"
#include "tests/launcher/real_slurm.h"

namespace hadal::launcher {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr double kSoon_s = 60;  // generous: the machine may be busy; a hang is what we look for

// Twelve trainings of seconds, with everything that draws at random or keeps statistics.
constexpr const char* kTwelveRuns = R"(
  name: "twelve"
  experiment {
    model { name: "resnet" set: "depth=8" set: "width=4" set: "survival=0.5" }
    data {
      name: "generator" set: "train=240" set: "test=32" set: "side=16" validation_images: 40
      preprocess: ["subtract_channel_mean", "divide_channel_std"]
    }
    augmentation { pad: 2 mirror: true cutout: 4 }
    optimizer { name: "sgd" learning_rate: 0.05 momentum: 0.9 nesterov: true weight_decay: 1e-4 }
    schedule { kind: "cosine" }
    epochs: 100 global_batch: 16 logical_shards: 2
  }
  axis { key: "optimizer.learning_rate" value: ["0.05", "0.02"] }
  axis { key: "augmentation.cutout" value: ["0", "4"] }
  seed: 1 seed: 2 seed: 3)";

class SlurmFaults : public ProgramTest {
 protected:
  void SetUp() override {
    if (const std::string missing = RealSlurm::missing(); !missing.empty()) GTEST_SKIP() << missing;
    slurm = std::make_unique<RealSlurm>(2);
  }

  // Runs of the fake trainer with these words, one for each seed.
  void write_fake_sweep(const std::string& words, int runs = 1, const std::string& more = "") {
    std::string seeds;
    for (int seed = 1; seed <= runs; ++seed) seeds += fmt::format("seed: {} ", seed);
    sweep_file = write("s.textproto", fmt::format(R"(
        name: "s"
        experiment {{
          name: "fake" note: "{}"
          model {{ name: "resnet" set: "depth=8" }}
          data {{ name: "generator" }}
          optimizer {{ learning_rate: 0.1 }}
          epochs: 1
        }}
        {} {})",
                                                  words, seeds, more));
    trainer = FAKE_TRAINER;
  }

  Started start_sweep(const std::string& scheduler, const std::string& runs,
                      std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"sweep",    "run",         sweep_file, "--runs",
                                          path(runs), "--scheduler", scheduler};
    if (scheduler == "slurm") arguments.insert(arguments.end(), {"--silence", "20"});
    if (!trainer.empty()) arguments.insert(arguments.end(), {"--trainer", trainer});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return start(arguments, {});
  }

  // The folder of a sweep is there a moment before its plan.
  bool is_planned(const std::string& runs) {
    if (!fs::exists(path(runs))) return false;
    return std::ranges::any_of(fs::directory_iterator(path(runs)), [](const auto& sweep) {
      return fs::exists(sweep.path() / "plan.json");
    });
  }

  SweepRecord sweep(const std::string& runs) {
    for (const auto& entry : fs::directory_iterator(path(runs))) return read_sweep(entry.path());
    return {};
  }

  template <typename Condition>
  testing::AssertionResult within(double seconds, Condition condition) {
    for (const double end = clock.now_s() + seconds; clock.now_s() < end; clock.sleep(0.05))
      if (condition()) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "not within " << seconds << " s";
  }

  // A job that trains, is not half done and not among `others`: (its id, its run's folder).
  std::pair<std::string, fs::path> a_job_at_work(const std::vector<std::string>& others = {}) {
    std::pair<std::string, fs::path> found;
    EXPECT_TRUE(within(kSoon_s, [&] {
      if (!is_planned("slurm")) return false;
      for (const auto& run : sweep("slurm").runs) {
        const std::vector<ClaimRecord> claims = read_claims(run.folder);
        if (claims.empty() || claims.back().exit_code ||
            std::ranges::count(others, claims.back().job) > 0)
          continue;
        const auto progress = read_progress(run.folder);
        if (!progress || progress->step < 1 || progress->step > progress->steps / 2) continue;
        found = {claims.back().job, run.folder};
        return true;
      }
      return false;
    }));
    return found;
  }

  // Does this to jobs at work until one of them has ended before its run was finished, for some may
  // be faster; the folder of that run.
  fs::path interrupt_one(const std::vector<std::string>& how, std::vector<std::string>& done_to) {
    for (;;) {
      const auto [job, folder] = a_job_at_work(done_to);
      if (job.empty()) return folder;
      done_to.push_back(job);
      std::vector<std::string> command = how;
      command.push_back(job);
      slurm->ask(command);
      EXPECT_TRUE(
          within(kSoon_s, [&] { return read_claims(folder).back().exit_code.has_value(); }));
      if (read_claims(folder)[0].exit_code != 0) return folder;
    }
  }

  // Restarts slurmd on all nodes while none of them starts a job, for Slurm loses such jobs.
  void restart_nodes() {
    slurm->ask({"scontrol", "update", "PartitionName=low", "State=DOWN"});
    EXPECT_TRUE(within(kSoon_s, [&] {
      std::set<std::string> begun;
      // A job that came back has a claim of its earlier start: the last one counts.
      for (const auto& run : sweep("slurm").runs)
        if (const auto claims = read_claims(run.folder);
            !claims.empty() && !claims.back().exit_code)
          begun.insert(claims.back().job);
      const auto running = slurm->ask({"squeue", "--noheader", "--states=RUNNING", "--format=%i"});
      return std::ranges::all_of(split(running, '\n'), [&](const std::string& job) {
        return job.empty() || begun.contains(job);
      });
    }));
    slurm->restart_nodes();
    slurm->ask({"scontrol", "update", "PartitionName=low", "State=UP"});
  }

  // How often each run was started by Slurm, ascending.
  std::vector<std::size_t> starts(const SweepRecord& sweep) {
    std::vector<std::size_t> counts;
    for (const auto& run : sweep.runs) counts.push_back(read_claims(run.folder).size());
    std::ranges::sort(counts);
    return counts;
  }

  std::unique_ptr<RealSlurm> slurm;
  SystemClock clock;
  fs::path sweep_file;
  std::string trainer;
};

TEST_F(SlurmFaults, TwelveRunsComeOutAsThoughNothingHadHappened) {
  sweep_file = write("twelve.textproto", kTwelveRuns);
  const Started first = start_sweep("slurm", "slurm");
  std::vector<std::string> jobs;
  const fs::path cancelled_run = interrupt_one({"scancel"}, jobs);
  const fs::path preempted_run = interrupt_one({"scancel", "--signal=USR1", "--batch"}, jobs);
  restart_nodes();
  send_signal(first, SIGKILL);
  EXPECT_EQ(wait(first).exit_code, 137);
  const Ended second = wait(start_sweep("slurm", "slurm"));
  EXPECT_EQ(second.exit_code, 0) << second.err << second.out << slurm->ask({"squeue"});
  EXPECT_THAT(second.out, HasSubstr("adopted"));

  const SweepRecord disturbed = sweep("slurm");
  ASSERT_EQ(disturbed.runs.size(), 12u);
  // Once each, but for the job that was cancelled and the one that made room and came back. Slurm
  // may signal that one again, or lose it while a node restarts: each start saves itself, and one
  // alone comes to the end.
  std::vector<std::size_t> counts = starts(disturbed);
  EXPECT_GE(counts.back(), 2u);
  counts.pop_back();
  EXPECT_EQ(counts, (std::vector<std::size_t>{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2}));
  EXPECT_EQ(read_claims(cancelled_run).size(), 2u);
  const std::vector<ClaimRecord> preempted = read_claims(preempted_run);
  ASSERT_GE(preempted.size(), 2u);
  EXPECT_EQ(preempted.back().exit_code, 0);
  for (std::size_t i = 0; i + 1 < preempted.size(); ++i) EXPECT_EQ(preempted[i].exit_code, 75) << i;

  EXPECT_EQ(wait(start_sweep("local", "local")).exit_code, 0);
  const SweepRecord undisturbed = sweep("local");
  for (std::size_t i = 0; i < disturbed.runs.size(); ++i) {
    SCOPED_TRACE(disturbed.runs[i].planned.name);
    expect_same_run(disturbed.runs[i].record.value(), undisturbed.runs[i].record.value());
  }
  // All but the times.
  const auto table = [&](const SweepRecord& sweep) {
    std::vector<std::string> lines;
    for (const std::string& line : split(run({"table", sweep.folder, "--format", "csv"}).out, '\n'))
      if (line.find("training_time_s") == std::string::npos) lines.push_back(line);
    return lines;
  };
  EXPECT_GT(table(disturbed).size(), 12u);
  EXPECT_EQ(table(disturbed), table(undisturbed));
}

TEST_F(SlurmFaults, AJobThatMakesRoomForAnotherSavesAndComesBackByItself) {
  // As many ranks as the cluster has cores.
  write_fake_sweep("steps=150 save_every=1000", 1, "resources { ranks: 2 }");
  const Started launcher = start_sweep("slurm", "slurm");
  const auto [job, folder] = a_job_at_work();
  slurm->ask({"sbatch", "--partition=high", "--nodes=2", "--ntasks=4", "--output=/dev/null",
              "--wrap=sleep 1"});
  const Ended ended = wait(launcher);
  EXPECT_EQ(ended.exit_code, 0) << ended.out;
  EXPECT_THAT(read_file(folder / "started_at"), AllOf(Not(HasSubstr(" 0 ")), Not("0 ")))
      << "went on, did not begin again";
  EXPECT_EQ(read_claims(folder).size(), 2u);
  EXPECT_EQ(read_claims(folder)[0].job, read_claims(folder)[1].job) << "the same job";
  EXPECT_FALSE(fs::exists(folder / "overlapped"));
}

TEST_F(SlurmFaults, OneCtrlCTakesBackWhatWaitsAndSavesWhatRuns) {
  write_fake_sweep("steps=150 save_every=1000", 6);
  const Started launcher = start_sweep("slurm", "slurm", {"--slots", "2"});
  const auto [job, folder] = a_job_at_work();
  const auto running = slurm->ask({"squeue", "--noheader", "--states=RUNNING", "--format=%i"});
  EXPECT_LE(split(running, '\n').size(), 2u)
      << "four cores are there, two were wanted: " << running;
  send_signal(launcher, SIGINT);
  EXPECT_EQ(wait(launcher).exit_code, 130);
  EXPECT_EQ(slurm->ask({"squeue", "--noheader", "--format=%i"}), "") << "nothing is left behind";
  EXPECT_EQ(read_result(folder).value().status, RunStatus::kDrained);
  EXPECT_EQ(wait(start_sweep("slurm", "slurm")).exit_code, 0);
  EXPECT_THAT(read_file(folder / "started_at"), Not(HasSubstr(" 0 ")));
}

TEST_F(SlurmFaults, AJobThatSlurmStartsTwiceWritesOnce) {
  write_fake_sweep("steps=150 save_every=5", 2);
  const Started launcher = start_sweep("slurm", "slurm");
  const auto [job, folder] = a_job_at_work();
  // Within a second of a job's start the controller has not saved it yet; restarted, it starts it
  // again. That it does so cannot be relied on, so a second start is also made by hand.
  slurm->crash_controller();
  const std::size_t array = job.find('_');
  ASSERT_NE(array, std::string::npos) << "two runs are an array";
  const Started second = start(
      {"sweep", "attempt", sweep("slurm").folder / "slurm" / (read_ticket(folder)->mark + ".json")},
      {.environment = {{"SLURM_JOB_ID", job.substr(0, array)},
                       {"SLURM_ARRAY_JOB_ID", job.substr(0, array)},
                       {"SLURM_ARRAY_TASK_ID", job.substr(array + 1)}}});
  const Ended ended = wait(launcher);
  EXPECT_EQ(ended.exit_code, 0) << ended.out << slurm->ask({"squeue", "--states=all"});
  EXPECT_EQ(wait(second).exit_code, 0);
  EXPECT_GE(read_claims(folder).size(), 2u);
  for (const auto& run : sweep("slurm").runs) {
    EXPECT_TRUE(run.record->finished());
    EXPECT_FALSE(fs::exists(run.folder / "overlapped")) << "two attempts at once";
  }
}

TEST_F(SlurmFaults, SrunStartsTheRanksAsMpirunDoes) {
  write_fake_sweep("steps=150 save_every=1000", 1, "resources { ranks: 2 }");
  const Started launcher = start_sweep("slurm", "slurm", {"--srun"});
  const auto [job, folder] = a_job_at_work();
  slurm->ask({"scancel", "--signal=USR1", "--batch", job});
  EXPECT_EQ(wait(launcher).exit_code, 0) << read_file(folder / "log.txt");
  EXPECT_THAT(read_file(folder / "started_at"), AllOf(Not(HasSubstr(" 0 ")), Not("0 ")))
      << "saved, and went on";
}

TEST_F(SlurmFaults, WhatCannotBeSubmittedIsOneLine) {
  write_fake_sweep("steps=1");
  const auto complaint = [&](const std::vector<std::string>& more) {
    return wait(start_sweep("slurm", "slurm", more)).complaint();
  };
  EXPECT_THAT(complaint({"--partition", "lwo"}),
              HasSubstr("unknown partition 'lwo'; did you mean 'low'?"));
  const Ended refused = wait(start_sweep("slurm", "slurm", {"--sbatch=--nodelist=nowhere"}));
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.out, HasSubstr("slurm: sbatch refuses"));
  std::vector<std::string> arguments = {"sweep", "run", sweep_file, "--scheduler", "slurm"};
  const Ended nowhere = run(arguments, {.environment = {{"PATH", "/nowhere"}}});
  EXPECT_EQ(nowhere.exit_code, 78);
  EXPECT_THAT(nowhere.complaint(), HasSubstr("cannot start sbatch"));
}

}  // namespace
}  // namespace hadal::launcher

// Bad input to the whole program: one clear line, the documented exit code, and nothing lost.
#include <csignal>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "launcher/environment.h"
#include "tests/launcher/program_test.h"

namespace hadal::launcher {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kSpec = R"(
  model { name: "resnet" set: "depth=8" set: "width=4" }
  data {
    name: "generator" set: "train=200" set: "test=32" set: "side=16" validation_images: 40
    preprocess: ["subtract_channel_mean", "divide_channel_std"]
  }
  optimizer { name: "sgd" learning_rate: 0.05 momentum: 0.9 }
  steps: 30 global_batch: 16 logical_shards: 4
  checkpoint { every_steps: 10 every_epochs: 0 every_seconds: 0 keep: 5 }
)";

constexpr const char* kCifarSpec = R"(
  model { name: "basic" } data { name: "cifar10" }
  optimizer { name: "sgd" learning_rate: 0.05 } steps: 1 global_batch: 16
)";

class BadInput : public ProgramTest {
 protected:
  std::vector<std::string> words(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> all = {"train", spec, "--out", path("run")};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  void expect_refused(const std::string& text, int exit_code, const std::string& saying) {
    SCOPED_TRACE(text);
    const Ended ended =
        run({"train", write("bad.textproto", text), "--out", path("run")}, {.ranks = 0});
    EXPECT_EQ(ended.exit_code, exit_code) << ended.err;
    EXPECT_THAT(ended.complaint(), HasSubstr(saying));
    EXPECT_FALSE(fs::exists(path("run"))) << "a folder for a run that cannot be";
  }

  const fs::path spec = write("spec.textproto", kSpec);
};

/// Takes a file system away again.
struct Mounted {
  explicit Mounted(fs::path at) : path(std::move(at)) {}
  ~Mounted() { ::umount2(path.c_str(), MNT_DETACH); }
  Mounted(const Mounted&) = delete;
  Mounted& operator=(const Mounted&) = delete;
  const fs::path path;
};

/// kSpec with one thing exchanged for another.
std::string with(std::string_view old_text, std::string_view new_text) {
  std::string text = kSpec;
  const std::size_t at = text.find(old_text);
  EXPECT_NE(at, std::string::npos) << old_text;
  return text.replace(at, old_text.size(), new_text);
}

TEST_F(BadInput, ASpecThatMeansNothingIsRefusedWithTheNearestName) {
  expect_refused(with("momentum:", "momentun:"), 78, "did you mean 'momentum'?");
  expect_refused(with("momentum:", "momentun:"), 78, "bad.textproto:7:");
  expect_refused(with("\"resnet\"", "\"resnt\""), 78, "did you mean 'resnet'?");
  expect_refused(with("depth=8", "dept=8"), 78, "did you mean 'depth'?");
  expect_refused(with("width=4", "shortcut=a"), 78, "wanted one of A, A-split");
  expect_refused(with("\"generator\"", "\"generater\""), 78, "did you mean 'generator'?");
  expect_refused(with("side=16", "sides=16"), 78, "did you mean 'side'?");
  expect_refused(with("\"sgd\"", "\"sdg\""), 78, "did you mean 'sgd'?");
  expect_refused(with("steps: 30", "steps: 30 augmentation { fill: reflct }"), 78,
                 "did you mean 'reflect'?");
  expect_refused(with("steps: 30", "steps: 30 schedule { kind: \"cosin\" }"), 78,
                 "did you mean 'cosine'?");
  expect_refused(with("subtract_channel_mean", "subtract_chanel_mean"), 78,
                 "did you mean 'subtract_channel_mean'?");
  expect_refused(with("steps: 30", "steps: 30 epochs: 3"), 78, "only one of them");
  expect_refused(with("global_batch: 16", "global_batch: 18"), 78,
                 "18 is not divisible by logical_shards 4");
  expect_refused(with("global_batch: 16", "global_batch: -16"), 78, "-16 is not at least 1");
  expect_refused(with("learning_rate: 0.05", "learning_rate: fast"), 78, "bad.textproto:7:");
  expect_refused(with("optimizer {", "optimizer "), 78, "bad.textproto:");
}

TEST_F(BadInput, ACommandLineThatCannotBeUnderstoodIsAUsageError) {
  const Ended unknown = run(words({"--resum"}));
  EXPECT_EQ(unknown.exit_code, 64);
  EXPECT_THAT(unknown.complaint(), HasSubstr("did you mean '--resume'?"));
  const Ended command = run({"tran", spec});
  EXPECT_EQ(command.exit_code, 64);
  EXPECT_THAT(command.complaint(), HasSubstr("did you mean 'train'?"));
  const Ended setting = run(words({"--set", "optimizer.momentun=0.5"}));
  EXPECT_EQ(setting.exit_code, 78);
  EXPECT_THAT(setting.complaint(), HasSubstr("did you mean 'momentum'?"));
  const Ended device = run(words({"--device", "cpuu"}));
  EXPECT_EQ(device.exit_code, 78) << device.err;
  EXPECT_THAT(device.complaint(), HasSubstr("cpuu"));
}

TEST_F(BadInput, UnderMpirunOneRankSpeaksForAll) {
  // Which rank meets an error first is chance, so more than once.
  for (int attempt = 0; attempt < 3; ++attempt) {
    const Ended before = run(words({"--set", "model.name=resnt"}), {.ranks = 2});
    EXPECT_EQ(before.exit_code, 78);
    EXPECT_THAT(before.complaint(), HasSubstr("did you mean 'resnet'?"));
    const Ended shards = run(words({"--set", "logical_shards=2"}), {.ranks = 4});
    EXPECT_EQ(shards.exit_code, 78);
    EXPECT_THAT(shards.complaint(), AllOf(HasSubstr("2"), HasSubstr("4 ranks")));
  }
}

TEST_F(BadInput, ShardsThatCannotBeSpreadOverTheRanksAreRefused) {
  const Ended ended = run(words(), {.ranks = 3});
  EXPECT_EQ(ended.exit_code, 78);
  EXPECT_THAT(ended.complaint(), HasSubstr("3 ranks"));
}

TEST_F(BadInput, MissingFilesAreNamedWithThePlacesLookedIn) {
  const Ended no_spec = run({"train", path("nowhere.textproto"), "--out", path("run")});
  EXPECT_EQ(no_spec.exit_code, 66);
  EXPECT_THAT(no_spec.complaint(), HasSubstr("nowhere.textproto"));

  const Ended no_data = run({"train", write("cifar.textproto", kCifarSpec), "--out", path("run")},
                            {.environment = {{"HADAL_DATA", path("empty")}}});
  EXPECT_EQ(no_data.exit_code, 66);
  EXPECT_THAT(no_data.complaint(), AllOf(HasSubstr("cifar10"), HasSubstr(path("empty").string()),
                                         HasSubstr("hadal data fetch cifar10")));
}

TEST_F(BadInput, ADamagedDataSetIsNotTrainedOn) {
  const fs::path data = path("data"), folder = data / "cifar-10-batches-bin";
  fs::create_directories(folder);
  const std::vector<std::string> files = {"data_batch_1.bin", "data_batch_2.bin",
                                          "data_batch_3.bin", "data_batch_4.bin",
                                          "data_batch_5.bin", "test_batch.bin"};
  for (const std::string& file : files) {  // all zero: 10,000 black images of class 0
    std::ofstream(folder / file).put('\0');
    fs::resize_file(folder / file, 30'730'000);
  }
  const auto train = [&] {
    return run({"train", write("cifar.textproto", kCifarSpec), "--out", path("run")},
               {.environment = {{"HADAL_DATA", data}}});
  };

  fs::resize_file(folder / "data_batch_1.bin", 30'729'999);
  const Ended shortened = train();
  EXPECT_EQ(shortened.exit_code, 65);
  EXPECT_THAT(shortened.complaint(), AllOf(HasSubstr("data_batch_1.bin"), HasSubstr("30729999")));

  fs::resize_file(folder / "data_batch_1.bin", 30'730'000);
  std::fstream(folder / "data_batch_1.bin", std::ios::in | std::ios::out).seekp(3073 * 5).put(77);
  const Ended label = train();
  EXPECT_EQ(label.exit_code, 65);
  EXPECT_THAT(label.complaint(), AllOf(HasSubstr("record 5"), HasSubstr("label 77")));

  const Ended verified = run({"data", "verify", "cifar10", "--data-dir", data});
  EXPECT_EQ(verified.exit_code, 65);
  EXPECT_THAT(verified.complaint(), HasSubstr("is not the official file"));
}

TEST_F(BadInput, AFolderKeepsTheRunItHolds) {
  train(spec, "run", {});
  const std::string before = read_file(path("run") / "result.json");
  const Ended other = run(words({"--set", "seed=2", "--resume"}));
  EXPECT_EQ(other.exit_code, 78);
  EXPECT_THAT(other.complaint(), AllOf(HasSubstr("another spec"), HasSubstr("seed: 1 | 2")));
  EXPECT_EQ(read_file(path("run") / "result.json"), before);
}

TEST_F(BadInput, ACheckpointOfAnotherSpecIsNotTaken) {
  train(spec, "other", {}, {"--set", "seed=2"});
  fs::create_directories(path("run"));
  fs::rename(path("other") / "checkpoints", path("run") / "checkpoints");
  const Ended ended = run(words({"--resume"}));
  EXPECT_EQ(ended.exit_code, 78);
  EXPECT_THAT(ended.complaint(), AllOf(HasSubstr("step-000000030"), HasSubstr("seed: 2 | 1")));
  EXPECT_THAT(checkpoint_steps(path("run")), ElementsAre(10, 20, 30));
}

TEST_F(BadInput, AStartThatFailedDoesNotKeepItsFolder) {
  const Ended failed = run(words({"--set", "model.depth=9"}));
  EXPECT_EQ(failed.exit_code, 78);
  EXPECT_THAT(failed.complaint(), HasSubstr("wanted 6n+2"));
  train(spec, "run", {});
}

TEST_F(BadInput, DamagedCheckpointsAreSteppedOver) {
  const RunRecord whole = train(spec, "run", {});
  ASSERT_THAT(checkpoint_steps(path("run")), ElementsAre(10, 20, 30));
  const fs::path checkpoints = path("run") / "checkpoints";
  fs::remove(path("run") / "result.json");
  const fs::path cut = checkpoints / "step-000000030" / "weights.safetensors";
  fs::resize_file(cut, fs::file_size(cut) / 2);
  const fs::path flipped = checkpoints / "step-000000020" / "optimizer.safetensors";
  std::fstream file(flipped, std::ios::in | std::ios::out | std::ios::binary);
  const auto place = static_cast<std::streamoff>(fs::file_size(flipped) - 5);
  const char byte = static_cast<char>(file.seekg(place).get());
  file.seekp(place).put(static_cast<char>(byte ^ 4));
  file.close();

  const Ended ended = run(words({"--resume"}), {.ranks = 2});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  const std::vector<std::string> warnings = ended.complaints();
  ASSERT_GE(warnings.size(), 2u) << ended.err;
  EXPECT_THAT(warnings[0], AllOf(HasSubstr(cut.string()), HasSubstr("cut short")));
  EXPECT_THAT(warnings[1], AllOf(HasSubstr(flipped.string()), HasSubstr("checksum")));
  EXPECT_THAT(ended.out, HasSubstr("resumed at step 10"));
  expect_same_run(read_run(path("run")).value(), whole);
}

TEST_F(BadInput, ADamagedBestCheckpointCostsOneNumberOnly) {
  // The checkpoint of the best epoch is looked at again only at the very end.
  const std::vector<std::string> more = {"--set", "checkpoint.keep=1", "--set",
                                         "optimizer.learning_rate=0.0001"};
  const RunRecord whole = train(spec, "run", {}, more);
  const int best = whole.result->best_validation->epoch;
  ASSERT_LT(best, 3) << "the seed should give a first epoch that is best";
  const fs::path folder = path("run") / "checkpoints" / fmt::format("step-{:09}", 10 * best);
  fs::remove(path("run") / "result.json");
  fs::remove(folder / "weights.safetensors");
  std::vector<std::string> again = words({"--resume"});
  again.insert(again.end(), more.begin(), more.end());
  const Ended ended = run(again, {.ranks = 2});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  const RunResult result = read_result(path("run")).value();
  EXPECT_EQ(result.weights_hash, whole.result->weights_hash);
  EXPECT_EQ(result.last->test_error, whole.result->last->test_error);
  EXPECT_FALSE(result.best_validation->test_error);
}

TEST_F(BadInput, ALearningRateFarTooHighNamesTheLayer) {
  for (const int ranks : {0, 2}) {
    SCOPED_TRACE(ranks);
    const Ended ended = run(words({"--set", "optimizer.learning_rate=1e30"}), {.ranks = ranks});
    EXPECT_EQ(ended.exit_code, 87) << ended.err;
    EXPECT_THAT(ended.complaint(), HasSubstr("first in the output of stage1.block1.conv"));
    EXPECT_EQ(read_result(path("run"))->exit_code, 87);
  }
}

TEST_F(BadInput, WeightsThatAreNotFiniteAreNotSaved) {
  const Ended ended =
      run(words({"--set", "optimizer.learning_rate=1e300", "--set", "checkpoint.every_steps=1"}));
  EXPECT_EQ(ended.exit_code, 87) << ended.err;
  EXPECT_THAT(ended.complaint(), HasSubstr("is not finite after step 1"));
  EXPECT_THAT(checkpoint_steps(path("run")), IsEmpty());
}

TEST_F(BadInput, CoresSharedByTooManyRanksGiveAWarning) {
  const Ended ended = run(words(), {.ranks = 2, .cores = {usable_cores().front()}});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_THAT(ended.complaint(), HasSubstr("2 ranks with 1 thread each share 1 core"));
}

TEST_F(BadInput, ARankThatHangsEndsTheJobInSeconds) {
  const Started started = start(words({"--patience", "0.05", "--set", "steps=1000000", "--set",
                                       "checkpoint.every_steps=200"}),
                                {.ranks = 2});
  wait_for_checkpoint(path("run"), 200);
  SystemClock clock;
  const double stopped = clock.now_s();
  send_signal_to_rank(started, 1, SIGSTOP);
  const Ended ended = wait(started);
  // 60 s of patience times 0.05, or 600 s of it where the signal met a rank that saved, and 1 s
  // until mpirun ends the stopped rank; the rest is for a busy machine.
  EXPECT_LT(clock.now_s() - stopped, 45);
  EXPECT_EQ(ended.exit_code, 85);
  EXPECT_THAT(ended.complaint(), AllOf(HasSubstr("rank 1"), HasSubstr("stopped")));
}

TEST_F(BadInput, AFolderThatMayNotBeWrittenIsRefused) {
  How how;
  if (::geteuid() == 0) {
    how.through = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"};
    fs::permissions(path(""), fs::perms::others_read | fs::perms::others_exec,
                    fs::perm_options::add);
    if (run({"--version"}, how).exit_code != 0)
      GTEST_SKIP() << "root may write everywhere, and cannot run the program as somebody else";
  }
  fs::create_directories(path("locked"));
  fs::permissions(path("locked"), fs::perms::owner_read | fs::perms::owner_exec |
                                      fs::perms::others_read | fs::perms::others_exec);
  const Ended ended = run({"train", spec, "--out", path("locked") / "run"}, how);
  EXPECT_EQ(ended.exit_code, 77) << ended.err;
  EXPECT_THAT(ended.complaint(), HasSubstr((path("locked") / "run").string()));
  fs::permissions(path("locked"), fs::perms::owner_all);
}

TEST_F(BadInput, AFullDiskEndsTheRunAndRoomLetsItGoOn) {
  const RunRecord whole = train(spec, "whole", {});
  std::uintmax_t checkpoint_bytes = 0;
  for (const auto& file : fs::directory_iterator(path("whole") / "checkpoints" / "step-000000010"))
    checkpoint_bytes += (file.file_size() + 4095) / 4096 * 4096;

  // A file system of this process and those it starts alone, with room for two checkpoints.
  fs::create_directories(path("run"));
  const std::string size =
      fmt::format("mode=700,size={}", 2 * checkpoint_bytes + checkpoint_bytes / 2 + 32768);
  if (::unshare(CLONE_NEWNS) != 0 ||
      ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("full", path("run").c_str(), "tmpfs", 0, size.c_str()) != 0)
    GTEST_SKIP() << "no right to mount a small file system";

  const Mounted mounted(path("run"));

  const Ended full = run(words());
  EXPECT_EQ(full.exit_code, 74) << full.err;
  EXPECT_THAT(full.complaint(), HasSubstr("No space left on device"));
  EXPECT_THAT(checkpoint_steps(path("run")), ElementsAre(10, 20));

  ASSERT_EQ(::mount("full", path("run").c_str(), "tmpfs", MS_REMOUNT, "size=64m"), 0);
  const Ended room = run(words({"--resume"}));
  EXPECT_EQ(room.exit_code, 0) << room.err;
  EXPECT_THAT(room.out, HasSubstr("resumed at step 20"));
  expect_same_run(read_run(path("run")).value(), whole);
}

}  // namespace
}  // namespace hadal::launcher

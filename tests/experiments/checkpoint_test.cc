#include "experiments/checkpoint.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/random.h"
#include "experiments/spec/load.h"

namespace hadal::experiments {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

spec::ExperimentSpec spec_with(const std::vector<std::string>& overrides = {}) {
  return spec::experiment_from_text(R"(
    model { name: "resnet" set: "depth=20" } data { name: "generator" }
    optimizer { learning_rate: 0.1 } epochs: 2 logical_shards: 2)",
                                    "test", overrides);
}

/// A run that saves its two groups of tensors, which hold numbers made of the step.
class CheckpointTest : public testing::Test {
 protected:
  static NamedViews weights_of(const Tensor& weight, const Tensor& mean) {
    return {{"conv1.weight", weight.view()}, {"bn1.mean", mean.view()}};
  }

  void fill(std::int64_t step) {
    for (int i = 0; i < 8; ++i) weight.as<float>()[i] = static_cast<float>(step + i);
    for (int i = 0; i < 2; ++i) mean.as<float>()[i] = static_cast<float>(-step);
    for (int i = 0; i < 8; ++i) velocity.as<float>()[i] = 1.0f / static_cast<float>(step + i);
  }

  TrainingState state_at(std::int64_t step) const {
    return {.spec = spec_with(),
            .epoch = step / 10,
            .step = step,
            .ranks = 2,
            .best_validation = best,
            .numbers = {{"training_time_s", 12.5}},
            .rewinds = {{.step = 7, .to = 5, .rate_factor = 0.5, .reason = "loss is NaN"}},
            .rewind_points = points};
  }

  TensorGroups groups() const {
    return {{"weights", weights_of(weight, mean)}, {"optimizer", {{"velocity", velocity.view()}}}};
  }

  void save(std::int64_t step) {
    fill(step);
    store.save(state_at(step), groups());
  }

  // In place: truncating a file to write it anew makes some file systems flush it each time.
  static void put_byte(const fs::path& file, std::size_t offset, char byte) {
    std::fstream stream(file, std::ios::binary | std::ios::in | std::ios::out);
    stream.seekp(static_cast<std::streamoff>(offset));
    stream.put(byte);
  }

  static void flip_bit(const fs::path& file, std::size_t offset, int bit = 0) {
    put_byte(file, offset, static_cast<char>(read_file(file).at(offset) ^ (1 << bit)));
  }

  static void write_raw(const fs::path& file, const std::string& bytes) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
  }

  TemporaryFolder folder;
  std::vector<std::string> warnings;
  CheckpointStore store{folder.path() / "checkpoints", 2,
                        [this](const std::string& line) { warnings.push_back(line); }};
  Tensor weight{Shape{2, 2, 2, 1}}, mean{Shape{2}}, velocity{Shape{8}};
  std::optional<BestValidation> best;
  std::map<std::int64_t, std::int64_t> points;
};

TEST_F(CheckpointTest, WhatIsSavedComesBack) {
  best = BestValidation{.epoch = 1, .step = 10, .error = 33.5};
  save(10);
  const std::optional<Checkpoint> read = store.latest_good(spec_with());
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->state.epoch, 1);
  EXPECT_EQ(read->state.step, 10);
  EXPECT_EQ(read->state.ranks, 2);
  EXPECT_EQ(read->state.best_validation, best);
  EXPECT_EQ(read->state.numbers.at("training_time_s"), 12.5);
  EXPECT_EQ(read->state.rewinds, state_at(10).rewinds);
  EXPECT_EQ(spec::canonical_text(read->state.spec), spec::canonical_text(spec_with()));
  const Tensor saved = weight.clone();
  fill(99);
  read->group("weights").copy_to(weights_of(weight, mean));
  EXPECT_EQ(weight.as<float>()[7], saved.as<float>()[7]);
  EXPECT_EQ(mean.as<float>()[1], -10.0f);
  EXPECT_THROW(read->group("wieghts"), DataError);
  EXPECT_TRUE(warnings.empty());
}

TEST_F(CheckpointTest, AnEmptyFolderHasNone) {
  EXPECT_FALSE(store.latest_good(spec_with()).has_value());
  EXPECT_FALSE(store.best(spec_with()).has_value());
  EXPECT_TRUE(store.steps().empty());
}

TEST_F(CheckpointTest, TheNewestAndTheBestAreKept) {
  best = BestValidation{.epoch = 1, .step = 10, .error = 20};
  for (std::int64_t step : {10, 20, 30, 40}) save(step);
  EXPECT_THAT(store.steps(), ElementsAre(10, 30, 40));
  EXPECT_EQ(store.best(spec_with())->state.step, 10);
  best = BestValidation{.epoch = 5, .step = 50, .error = 10};
  save(50);
  EXPECT_THAT(store.steps(), ElementsAre(40, 50));
  EXPECT_EQ(store.best(spec_with())->state.step, 50);
}

TEST_F(CheckpointTest, WhatATrainingMayGoBackToIsKept) {
  best = BestValidation{.epoch = 1, .step = 10, .error = 20};
  points = {{20, 10}};
  for (std::int64_t step : {10, 20, 30}) save(step);
  best = BestValidation{.epoch = 4, .step = 40, .error = 10};  // in whose sight 10 is the past
  for (std::int64_t step : {40, 50, 60}) save(step);
  EXPECT_THAT(store.steps(), ElementsAre(10, 20, 40, 50, 60));
  EXPECT_EQ(store.latest_good(spec_with())->state.rewind_points, points);
  store.remove_after(20);
  EXPECT_THAT(store.steps(), ElementsAre(10, 20));
}

TEST_F(CheckpointTest, ADamagedTensorIsNamedAndTheOneBeforeTaken) {
  save(10);
  save(20);
  const fs::path file = store.path_of(20) / "weights.safetensors";
  flip_bit(file, read_file(file).size() - 1);
  const std::optional<Checkpoint> read = store.latest_good(spec_with());
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->state.step, 10);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_THAT(warnings[0], HasSubstr("step-000000020/weights.safetensors: tensor 'bn1.mean': "
                                     "checksum is "));
  EXPECT_THAT(warnings[0], HasSubstr("; trying the checkpoint before it"));
}

TEST_F(CheckpointTest, EveryFlippedBitAndEveryCutIsSeen) {
  save(10);
  for (const char* name : {"weights.safetensors", "optimizer.safetensors", "manifest.pb"}) {
    const fs::path file = store.path_of(10) / name;
    const std::string good = read_file(file);
    for (std::size_t i = 0; i < good.size(); ++i) {
      flip_bit(file, i, static_cast<int>(i % 8));
      EXPECT_THROW(read_checkpoint(store.path_of(10)), DataError) << name << " byte " << i;
      put_byte(file, i, good[i]);
    }
    for (std::size_t i = 0; i < good.size(); i += 1 + i / 8) {
      fs::resize_file(file, i);
      EXPECT_THROW(read_checkpoint(store.path_of(10)), DataError) << name << " cut at " << i;
      write_raw(file, good);
    }
    write_raw(file, good + "x");
    EXPECT_THROW(read_checkpoint(store.path_of(10)), DataError) << name;
    fs::remove(file);
    EXPECT_THROW(read_checkpoint(store.path_of(10)), IoError) << name;
    write_raw(file, good);
  }
  EXPECT_EQ(read_checkpoint(store.path_of(10)).state.step, 10);
}

TEST_F(CheckpointTest, ManifestsOfAnyBytesAreRefusedOrRead) {
  save(10);
  const fs::path file = store.path_of(10) / "manifest.pb";
  const std::string good = read_file(file);
  const std::uint64_t seed = 11;
  for (std::uint64_t round = 0; round < 1000; ++round) {
    const random::Stream draw{seed, random::Purpose::kTest, round};
    for (std::uint32_t e = 0; e <= random::below(draw, 4, 0); ++e) {
      const std::size_t at =
          random::below(draw, static_cast<std::uint32_t>(good.size()), 2 * e + 1);
      const char byte = static_cast<char>(random::below(draw, 256, 2 * e + 2));
      put_byte(file, at, byte);
    }
    if (read_file(file) != good) {
      EXPECT_THROW(read_checkpoint(store.path_of(10)), DataError)
          << "seed " << seed << " round " << round;
    }
    for (std::uint32_t e = 0; e < 4; ++e) {
      const std::size_t at =
          random::below(draw, static_cast<std::uint32_t>(good.size()), 2 * e + 1);
      put_byte(file, at, good[at]);
    }
  }
  write_raw(file, std::string((std::size_t{4} << 20) + 1, '\n'));
  EXPECT_THROW(read_checkpoint(store.path_of(10)), DataError);
}

TEST_F(CheckpointTest, ADamagedCheckpointIsReplacedWhenItsStepIsReachedAgain) {
  for (std::int64_t step : {10, 20, 30}) save(step);
  flip_bit(store.path_of(30) / "optimizer.safetensors", 100);
  EXPECT_EQ(store.latest_good(spec_with())->state.step, 20);
  save(30);
  EXPECT_EQ(store.latest_good(spec_with())->state.step, 30);
  EXPECT_THAT(store.steps(), ElementsAre(20, 30));
}

TEST_F(CheckpointTest, DamagedOnesDoNotPushGoodOnesOut) {
  for (std::int64_t step : {10, 20, 30}) save(step);
  flip_bit(store.path_of(30) / "weights.safetensors", 100);
  EXPECT_EQ(store.latest_good(spec_with())->state.step, 20);
  save(25);
  EXPECT_THAT(store.steps(), ElementsAre(20, 25));
}

TEST_F(CheckpointTest, AGoodCheckpointOfTheStepIsNotWrittenAgain) {
  save(10);
  const auto written = fs::last_write_time(store.path_of(10) / "manifest.pb");
  save(10);
  EXPECT_EQ(fs::last_write_time(store.path_of(10) / "manifest.pb"), written);
}

TEST_F(CheckpointTest, AnotherSpecIsRefusedWithWhatDiffers) {
  save(10);
  const spec::ExperimentSpec other = spec_with({"optimizer.learning_rate=0.2", "model.depth=32"});
  try {
    store.latest_good(other);
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("is of spec " + spec::spec_hash(spec_with())));
    EXPECT_THAT(error.what(), HasSubstr("this run is " + spec::spec_hash(other)));
    EXPECT_THAT(error.what(), HasSubstr("model.depth: 20 | 32;optimizer.learning_rate: 0.1 | 0.2"));
  }
}

TEST_F(CheckpointTest, WhatCannotChangeAResultMayDiffer) {
  save(10);
  EXPECT_TRUE(store.latest_good(spec_with({"checkpoint.keep=9", "recompute_every=2", "name=b"})));
}

TEST_F(CheckpointTest, AWriterThatCannotFinishLeavesTheOldOne) {
  save(10);
  Tensor large{Shape{1 << 20}};
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 1 << 20;  // stands for a full disk: the fourth part of what is to be written
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_THROW(store.save(state_at(20), {{"weights", {{"large", large.view()}}}}), IoError);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_THAT(store.steps(), ElementsAre(10));
  EXPECT_EQ(store.latest_good(spec_with())->state.step, 10);
  for (const auto& entry : fs::directory_iterator(folder.path() / "checkpoints"))
    EXPECT_EQ(entry.path().filename().string().substr(0, 5), "step-");
}

TEST_F(CheckpointTest, AFolderThatCannotBeWrittenIsAnError) {
  write_raw(folder.path() / "file", "x");
  CheckpointStore blocked(folder.path() / "file" / "checkpoints", 2, [](const std::string&) {});
  EXPECT_THROW(blocked.save(state_at(10), groups()), IoError);
  if (::geteuid() == 0) return;  // root may write anywhere
  save(10);
  fs::permissions(folder.path() / "checkpoints", fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_THROW(save(20), IoError);
  EXPECT_EQ(store.latest_good(spec_with())->state.step, 10);
  fs::permissions(folder.path() / "checkpoints", fs::perms::owner_all);
}

TEST_F(CheckpointTest, LeftoversOfAKilledWriterGo) {
  save(10);
  const fs::path leftover = folder.path() / "checkpoints" / ".step-000000020.tmp.4711";
  fs::create_directories(leftover);
  write_raw(leftover / "weights.safetensors", "half");
  EXPECT_EQ(store.latest_good(spec_with())->state.step, 10);
  save(20);
  EXPECT_FALSE(fs::exists(leftover));
}

TEST_F(CheckpointTest, OtherFoldersAreNotTakenForCheckpoints) {
  save(10);
  for (const char* name : {"step-", "step-x", "step-12x", "stepladder", "step--5"})
    fs::create_directories(folder.path() / "checkpoints" / name);
  EXPECT_THAT(store.steps(), ElementsAre(10));
}

}  // namespace
}  // namespace hadal::experiments

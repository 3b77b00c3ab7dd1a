// The same bits on any number of ranks: gradients, batch statistics and metrics are combined over
// the logical shards by one fixed tree, and everything random is a function of seed, step and
// sample. Hence no tolerance below.
#include <gtest/gtest.h>

#include "tests/launcher/program_test.h"

namespace hadal::launcher {
namespace {

// Everything that draws at random or keeps statistics, at a size of a second.
constexpr const char* kResidual = R"(
  model { name: "resnet" set: "depth=8" set: "width=4" set: "survival=0.5" }
  data {
    name: "generator" set: "train=200" set: "test=32" set: "side=16" validation_images: 40
    preprocess: ["subtract_channel_mean", "divide_channel_std"]
  }
  augmentation { pad: 2 mirror: true cutout: 4 }
  optimizer { name: "sgd" learning_rate: 0.05 momentum: 0.9 nesterov: true weight_decay: 1e-4 }
  schedule { kind: "cosine" }
  epochs: 3 global_batch: 16 logical_shards: 4
)";

constexpr const char* kFractal = R"(
  model {
    name: "fractalnet" set: "columns=3" set: "widths=4,8" set: "dropout=0,0.2"
    set: "drop_path=0.15" set: "global=0.5"
  }
  data {
    name: "generator" set: "train=200" set: "test=32" set: "side=16" validation_images: 40
    preprocess: ["subtract_pixel_mean"]
  }
  augmentation { pad: 2 fill: reflect mirror: true }
  optimizer { name: "adam" learning_rate: 0.002 }
  epochs: 3 global_batch: 16 logical_shards: 4
)";

class SameBits : public ProgramTest {
 protected:
  void expect_on_any_number_of_ranks(const std::string& spec_text) {
    const auto spec = write("spec.textproto", spec_text);
    const RunRecord alone = train(spec, "alone", {});
    for (const int ranks : {1, 2, 4}) {
      SCOPED_TRACE(ranks);
      const RunRecord together = train(spec, "ranks" + std::to_string(ranks), {.ranks = ranks});
      EXPECT_EQ(together.result->ranks, ranks);
      expect_same_run(together, alone);
    }
    // The hash tells nets apart.
    const RunRecord other = train(spec, "other", {}, {"--set", "seed=2"});
    EXPECT_NE(other.result->weights_hash, alone.result->weights_hash);
  }
};

TEST_F(SameBits, OneTwoAndFourRanksTrainTheSameResidualNetWithStochasticDepth) {
  expect_on_any_number_of_ranks(kResidual);
}

TEST_F(SameBits, OneTwoAndFourRanksTrainTheSameFractalNetWithDropPathAndDropout) {
  expect_on_any_number_of_ranks(kFractal);
}

TEST_F(SameBits, AnOddLastBatchIsCutAlike) {
  // 150 images in batches of 16: the last batch has 6, so two of its four shards have none at all.
  const auto spec = write("spec.textproto", kResidual);
  const std::vector<std::string> odd = {"--set", "data.validation_images=50", "--set", "epochs=2"};
  expect_same_run(train(spec, "alone", {}, odd), train(spec, "ranks4", {.ranks = 4}, odd));
}

TEST_F(SameBits, RecomputingActivationsChangesNothing) {
  const auto spec = write("spec.textproto", kResidual);
  expect_same_run(train(spec, "kept", {}),
                  train(spec, "again", {}, {"--set", "recompute_every=2"}));
}

}  // namespace
}  // namespace hadal::launcher

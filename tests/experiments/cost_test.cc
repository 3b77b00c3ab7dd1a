#include "experiments/cost.h"

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/cpu/cpu_backend.h"
#include "dist/data_parallel_group.h"
#include "dist/self_communicator.h"
#include "experiments/run.h"
#include "experiments/spec/load.h"
#include "experiments/step_probe.h"
#include "experiments/translate.h"

namespace hadal::experiments {
namespace {

constexpr const char* kSpec = R"(
  model { name: "resnet" set: "depth=8" set: "width=4" }
  data { name: "generator" set: "train=100" set: "test=20" set: "side=16" validation_images: 30 }
  optimizer { learning_rate: 0.01 momentum: 0.9 }
  epochs: 3 global_batch: 16 logical_shards: 2
)";

spec::ExperimentSpec with(const std::vector<std::string>& overrides = {}) {
  return spec::experiment_from_text(kSpec, "a.textproto", overrides, complete);
}

TEST(TrainingCost, StepsAndEvaluatedImagesFollowTheSpec) {
  const TrainingCost cost = training_cost(with());
  EXPECT_EQ(cost.train_images, 70);
  EXPECT_EQ(cost.steps_per_epoch, 5);
  EXPECT_EQ(cost.steps, 15);
  // Validation after each epoch, test with the last weights and with the best.
  EXPECT_EQ(cost.evaluated_images, 3 * 30 + 2 * 20);
  EXPECT_EQ(training_cost(with({"evaluation.every_epochs=2"})).evaluated_images, 2 * 30 + 2 * 20);
  EXPECT_EQ(training_cost(with({"data.validation_images=0"})).evaluated_images, 20);
  EXPECT_EQ(training_cost(with({"epochs=0", "steps=7"})).steps, 7);
}

TEST(TrainingCost, MultiplyAddsAreThoseARunCounts) {
  const spec::ExperimentSpec spec = with();
  const auto comm = dist::make_self_communicator();
  dist::DataParallelGroup group(*comm, {.logical_shards = 2});
  CpuBackend backend;
  RunListener nobody;
  const RunSummary run = run_training(spec, group, backend, [] { return false; }, nobody, {});
  const TrainingCost cost = training_cost(spec);
  EXPECT_EQ(static_cast<double>(cost.steps) * cost.step_macs, static_cast<double>(run.macs));
  EXPECT_EQ(cost.steps, run.steps);
}

TEST(TrainingCost, DroppedBlocksCostNothing) {
  const double whole = training_cost(with()).step_macs;
  const double dropped = training_cost(with({"model.survival=0.5"})).step_macs;
  EXPECT_LT(dropped, 0.95 * whole);
  EXPECT_GT(dropped, 0.4 * whole);
}

TEST(TrainingCost, EverySetKnowsHowManyImagesItHas) {
  for (const data::DatasetInfo& info : data::datasets()) {
    const data::ImageCounts counts = info.counts(data::resolved_options(info, {}));
    EXPECT_GT(counts.train, 0) << info.name;
    EXPECT_GT(counts.test, 0) << info.name;
  }
  EXPECT_THROW(training_cost(with({"data.validation_images=100"})), ConfigError);
}

TEST(StepProbe, MeasuresAFewStepsOfTheRealThing) {
  const auto comm = dist::make_self_communicator();
  dist::DataParallelGroup group(*comm, {.logical_shards = 2});
  CpuBackend backend;
  const StepProbe probe = probe_steps(with({"data.preprocess=subtract_pixel_mean,gcn 55,zca 0.1"}),
                                      group, backend, {.seconds = 0, .least_steps = 4});
  EXPECT_EQ(probe.steps, 4);
  EXPECT_GT(probe.quickest_s, 0);
  EXPECT_LE(probe.quickest_s, probe.step_s);
  EXPECT_LE(probe.step_s, probe.slowest_s);
  EXPECT_GT(probe.image_evaluation_s, 0);
  EXPECT_GT(probe.arena_bytes, probe.evaluation_arena_bytes);
  EXPECT_EQ(probe.bytes_sent, 0);
}

}  // namespace
}  // namespace hadal::experiments

// Whole trainings on a device whose memory the host cannot touch: the same bits as on the host.
#include <filesystem>
#include <set>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/files.h"
#include "core/cpu/cpu_backend.h"
#include "dist/data_parallel_group.h"
#include "dist/device_parallel_group.h"
#include "dist/self_communicator.h"
#include "dist/staged_exchange.h"
#include "dist/thread_communicator.h"
#include "experiments/run.h"
#include "experiments/spec/load.h"
#include "experiments/translate.h"
#include "tests/core/fake_device.h"

namespace hadal::experiments {
namespace {

namespace fs = std::filesystem;
using test::FakeDevice;
using test::FakeDeviceBackend;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

spec::ExperimentSpec spec_of(const std::string& more, const std::vector<std::string>& set = {}) {
  return spec::experiment_from_text(
      R"(data {
           name: "generator" set: "train=56" set: "test=16" set: "side=16"
           validation_images: 16 preprocess: ["subtract_channel_mean", "divide_channel_std"]
         }
         augmentation { pad: 2 mirror: true }
         epochs: 2 global_batch: 16 )" +
          more,
      "device_training_test", set, complete);
}

const std::string kStochasticDepth =
    R"(model { name: "resnet" set: "depth=14" set: "width=4" set: "survival=0.5" }
       optimizer { name: "sgd" learning_rate: 0.02 momentum: 0.9 nesterov: true weight_decay: 1e-4 } )";

/// All that a training tells of its numbers.
class Record final : public RunListener {
 public:
  void on_state(const StepState& state) override {
    losses.push_back(state.loss);
    hashes.push_back(state.tensor_hashes);
  }
  void on_epoch(const EpochReport& report) override {
    validation_errors.push_back(report.validation_error.value_or(-1));
  }
  void on_event(const std::string& what, std::int64_t, const std::string& detail) override {
    if (what == "warning") warnings.push_back(detail);
  }
  std::vector<double> losses, validation_errors;
  std::vector<std::vector<std::uint64_t>> hashes;
  std::vector<std::string> warnings;
  bool operator==(const Record& other) const {
    return losses == other.losses && validation_errors == other.validation_errors &&
           hashes == other.hashes;
  }
};

/// Where the batches of a training are made.
class Places final : public ReplicaProbe {
 public:
  void on_batch(const data::Batch& batch) override { of_batches.insert(batch.images.device()); }
  std::set<const Device*> of_batches;
};

Record train(const spec::ExperimentSpec& spec, Backend& backend, const RunOptions& options = {},
             int drain_after = -1) {
  const auto comm = dist::make_self_communicator();
  dist::DataParallelGroup on_host(*comm, {.logical_shards = spec.logical_shards()});
  Record record;
  const auto run = [&](ReplicaGroup& group) {
    run_training(
        spec, group, backend, [&] { return drain_after >= 0 && drain_after-- == 0; }, record,
        options);
  };
  if (!backend.device()) {
    run(on_host);
    return record;
  }
  const SystemClock clock;
  dist::StagedExchange exchange(*comm, *backend.device());
  dist::DeviceParallelGroup on_device(*comm, on_host, backend, exchange, clock);
  run(on_device);
  return record;
}

struct Training {
  std::string name, spec;
  std::vector<std::string> set = {};
};

class OnADevice : public testing::TestWithParam<Training> {};

TEST_P(OnADevice, ATrainingGivesTheBitsOfOneOnTheHost) {
  const spec::ExperimentSpec spec = spec_of(GetParam().spec, GetParam().set);
  CpuBackend cpu;
  FakeDevice device;
  FakeDeviceBackend backend(cpu, device);
  Places places;
  RunOptions options;
  options.probe = &places;
  const Record there = train(spec, backend, options), here = train(spec, cpu);
  ASSERT_GT(here.losses.size(), 3U);
  EXPECT_TRUE(there == here);
  EXPECT_THAT(places.of_batches, ElementsAre(&device));
  EXPECT_THAT(there.warnings, IsEmpty());
  EXPECT_EQ(device.live_bytes(), 0U);
}

INSTANTIATE_TEST_SUITE_P(
    Device, OnADevice,
    testing::Values(
        Training{"StochasticDepth", kStochasticDepth + "logical_shards: 1"},
        Training{"StochasticDepthOfFourShards", kStochasticDepth + "logical_shards: 4"},
        Training{"Recomputed", kStochasticDepth + "logical_shards: 2 recompute_every: 2"},
        Training{"ContrastNormalizedAndCutOut",
                 kStochasticDepth + "logical_shards: 2",
                 {"data.preprocess=gcn", "augmentation.fill=reflect", "augmentation.cutout=5"}},
        Training{"DropPathWithDropout",
                 R"(model { name: "fractalnet" set: "columns=3" set: "widths=4,8"
                      set: "dropout=0,0.2" set: "drop_path=0.15" set: "global=0.5" }
                    optimizer { name: "rmsprop_tensorflow" learning_rate: 0.001 }
                    logical_shards: 2)"},
        Training{"LeNetByAdam",
                 R"(model { name: "keras_cifar" }
                    optimizer { name: "adam" learning_rate: 0.001 clip_norm: 1 }
                    logical_shards: 1)"}),
    [](const auto& info) { return info.param.name; });

TEST(DeviceTraining, GivesTheSameBitsWhereTheImagesFindNoRoom) {
  const spec::ExperimentSpec spec = spec_of(kStochasticDepth + "logical_shards: 2");
  CpuBackend cpu;
  FakeDevice full(0);
  FakeDeviceBackend backend(cpu, full);
  Places places;
  RunOptions options;
  options.probe = &places;
  const Record there = train(spec, backend, options);
  EXPECT_TRUE(there == train(spec, cpu));
  EXPECT_THAT(places.of_batches, ElementsAre(nullptr));
  EXPECT_THAT(there.warnings, ElementsAre(HasSubstr("more than half of what fake:0 has free")));
}

TEST(DeviceTraining, GoesOnFromACheckpointToTheSameBitsOnEitherSide) {
  const spec::ExperimentSpec spec = spec_of(kStochasticDepth + "logical_shards: 2");
  CpuBackend cpu;
  FakeDevice device;
  FakeDeviceBackend backend(cpu, device);
  const Record whole = train(spec, cpu);
  for (const bool starts_there : {true, false}) {
    const TemporaryFolder folder;
    Places places;
    RunOptions options;
    options.folder = folder.path();
    options.probe = &places;
    Record first = train(spec, starts_there ? static_cast<Backend&>(backend) : cpu, options, 2);
    const Record second = train(spec, starts_there ? cpu : static_cast<Backend&>(backend), options);
    ASSERT_EQ(first.hashes.size() + second.hashes.size(), whole.hashes.size());
    first.hashes.insert(first.hashes.end(), second.hashes.begin(), second.hashes.end());
    EXPECT_EQ(first.hashes, whole.hashes);
    EXPECT_THAT(places.of_batches, testing::UnorderedElementsAre(nullptr, &device));
  }
}

TEST(DeviceTraining, OfTwoRanksGivesTheBitsOfOne) {
  const spec::ExperimentSpec spec = spec_of(kStochasticDepth + "logical_shards: 4");
  CpuBackend cpu;
  const Record alone = train(spec, cpu);
  Record together;
  dist::run_ranks(2, [&](dist::Communicator& comm) {
    CpuBackend own;
    FakeDevice device;
    FakeDeviceBackend backend(own, device);
    dist::DataParallelGroup on_host(comm, {.logical_shards = 4});
    const SystemClock clock;
    dist::StagedExchange exchange(comm, device);
    dist::DeviceParallelGroup group(comm, on_host, backend, exchange, clock,
                                    {.bucket_bytes = 1 << 12});
    Record record;
    run_training(spec, group, backend, [] { return false; }, record, {});
    if (group.is_root()) together = record;
  });
  EXPECT_TRUE(together == alone);
}

TEST(DeviceTraining, NamesTheLayerThatOverflows) {
  const spec::ExperimentSpec spec = spec_of(
      R"(model { name: "resnet" set: "depth=8" set: "width=4" }
         optimizer { name: "sgd" learning_rate: 1e30 })");
  CpuBackend cpu;
  FakeDevice device;
  FakeDeviceBackend backend(cpu, device);
  const auto message = [&](Backend& on) -> std::string {
    try {
      train(spec, on);
    } catch (const NotFiniteError& error) {
      return error.what();
    }
    return "finite";
  };
  EXPECT_THAT(message(backend), testing::HasSubstr("first in the"));
  EXPECT_EQ(message(backend), message(cpu));
}

TEST(DeviceTraining, IsCheckedAgainstTheReference) {
  const spec::ExperimentSpec spec = spec_of(kStochasticDepth);
  CpuBackend cpu;
  FakeDevice device;
  FakeDeviceBackend backend(cpu, device);
  RunOptions options;
  options.check_steps = 1;
  EXPECT_NO_THROW(train(spec, backend, options));
}

}  // namespace
}  // namespace hadal::experiments

// The GPU backend's own kernels, run on the host, judged by the reference; and what must be the CPU
// backend's bits: draws, optimizers.
#include <cstring>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/random.h"
#include "core/cpu/cpu_backend.h"
#include "core/cuda/convolution_form.h"
#include "core/cuda/kernels.h"
#include "core/cuda/own_kernels.h"
#include "core/cuda/philox.cuh"
#include "core/executor.h"
#include "core/layers/dropout.h"
#include "core/layers/linear.h"
#include "core/optim/optimizer.h"
#include "core/reference/reference_backend.h"
#include "core/reference_check.h"
#include "models/registry.h"
#include "tests/core/data/batch_case.h"
#include "tests/core/fake_device.h"
#include "tests/core/kernel_case.h"

namespace hadal::cuda {
namespace {

/// Our kernels, with plain convolutions, and the reference's matrix products in cuBLAS's place.
class OnHost final : public OwnKernels {
 public:
  OnHost() : OwnKernels(Queue{}) {}
  std::string_view name() const override { return "cuda on host"; }

  using OwnKernels::prepare;
  KernelPtr prepare(const Conv2dOp& op, const KernelContext& context) override {
    require_float32(context);
    return make_plain_convolution(form_of(op, context), queue());
  }
  KernelPtr prepare(const LinearOp& op, const KernelContext& context) override {
    require_float32(context);
    return reference_.prepare(op, context);
  }

 private:
  ReferenceBackend reference_;
};

class CudaOnHost : public testing::TestWithParam<test::KernelCase> {};

TEST_P(CudaOnHost, MatchesTheReference) {
  OnHost backend;
  test::judge(backend, GetParam());
}

INSTANTIATE_TEST_SUITE_P(EveryLayer, CudaOnHost, testing::ValuesIn(test::kernel_cases()),
                         [](const auto& info) { return info.param.name; });

class CudaBatches : public testing::TestWithParam<test::BatchCase> {};

TEST_P(CudaBatches, HaveTheBitsOfTheHostsLoader) {
  OnHost kernels;
  test::FakeDevice device;
  test::FakeDeviceBackend backend(kernels, device);
  test::judge(backend, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Every, CudaBatches, testing::ValuesIn(test::batch_cases()),
                         [](const auto& info) { return info.param.name; });

TEST(CudaPhilox, DrawsTheWordsOfTheHost) {
  for (const std::uint64_t block : {0ULL, 1ULL, 77ULL, 1ULL << 32, (1ULL << 40) + 5}) {
    const random::Stream stream{0x123456789abcdefULL, random::Purpose::kDropout, 17, 0xfffffff0};
    const FourWords words = philox_block(stream, block);
    EXPECT_THAT(words.of, testing::ElementsAreArray(random::block(stream, block)));
  }
}

TEST(CudaSums, AreTheSameForEveryCountAroundTheirLevels) {
  for (const std::int64_t rows : {1, 2, 63, 64, 65, 2047, 2048, 2049, 65536, 65537}) {
    const std::int64_t columns = 3;
    Tensor x({rows, columns}), sums({columns});
    double wanted[3] = {};
    for (std::int64_t i = 0; i < rows * columns; ++i) {
      x.as<float>()[i] = static_cast<float>(i % 1000);
      wanted[i % columns] += static_cast<double>(i % 1000);
    }
    const AlignedBuffer workspace(bias_sums_workspace(rows, columns));
    bias_sums(x.as<float>(), sums.as<float>(), rows, columns, workspace.data(), Queue{});
    for (int c = 0; c < columns; ++c) EXPECT_EQ(sums.as<float>()[c], static_cast<float>(wanted[c]));
  }
}

// Two layers with a rate and a decay of their own, over several pieces each.
struct Net {
  Net() : parameters((linear(graph, "fc", graph.input("x", {1, 700}), {.out = 5}), graph)) {
    parameters.initialize(3);
  }
  void draw_gradients(std::uint64_t step) {
    for (const Parameters::Entry& entry : parameters.entries())
      for (std::int64_t i = 0; i < entry.elements; ++i)
        parameters.gradient(entry).as<float>()[i] = static_cast<float>(
            random::normal({1, random::Purpose::kTest, step}, static_cast<std::uint64_t>(i)));
  }
  Graph graph;
  Parameters parameters;
};

class CudaOptimizer : public testing::TestWithParam<OptimizerOptions> {};

TEST_P(CudaOptimizer, StepsToTheBitsOfTheHost) {
  Net here, there;
  OnHost backend;
  const auto ours = backend.optimizer(there.parameters, GetParam());
  const auto host = make_optimizer(here.parameters, GetParam());
  for (std::uint64_t step = 0; step < 3; ++step) {
    here.draw_gradients(step);
    there.draw_gradients(step);
    host->step(0.1);
    ours->step(0.1);
  }
  EXPECT_EQ(there.parameters.hash(), here.parameters.hash());
  const auto wanted = host->state(), found = ours->state();
  ASSERT_EQ(found.size(), wanted.size());
  for (std::size_t k = 0; k < wanted.size(); ++k)
    EXPECT_EQ(std::memcmp(found[k].second.data, wanted[k].second.data, wanted[k].second.bytes()), 0)
        << wanted[k].first;
}

INSTANTIATE_TEST_SUITE_P(
    EveryRule, CudaOptimizer,
    testing::Values(OptimizerOptions{.kind = "sgd", .weight_decay = 1e-3},
                    OptimizerOptions{.kind = "sgd",
                                     .momentum = 0.9,
                                     .nesterov = true,
                                     .weight_decay = 1e-3,
                                     .decay_on = DecayOn::kWeights},
                    OptimizerOptions{
                        .kind = "sgd", .momentum = 0.9, .momentum_form = MomentumForm::kRateInside},
                    OptimizerOptions{.kind = "rmsprop_keras", .clip_value = 0.5},
                    OptimizerOptions{.kind = "rmsprop_tensorflow", .momentum = 0.5},
                    OptimizerOptions{.kind = "adam", .clip_norm = 1}),
    [](const auto& info) { return info.param.kind + std::to_string(info.index); });

TEST(CudaDivide, IsTheDivisionOfTheHost) {
  OnHost ours;
  CpuBackend cpu;
  Tensor here({37}), there({37});
  for (int i = 0; i < 37; ++i)
    here.as<float>()[i] = there.as<float>()[i] = 0.3F * static_cast<float>(i - 7);
  cpu.divide(here.view(), 6);
  ours.divide(there.view(), 6);
  EXPECT_FLOAT_EQ(here.as<float>()[0], -0.35F);
  EXPECT_THAT(there.span<float>(), testing::ElementsAreArray(here.span<float>()));
}

TEST(CudaMoveTowards, IsTheRunningAverageOfTheHost) {
  OnHost ours;
  CpuBackend cpu;
  Tensor x({37}), here({37}), there({37});
  for (int i = 0; i < 37; ++i) {
    x.as<float>()[i] = 0.1F * static_cast<float>(i);
    here.as<float>()[i] = there.as<float>()[i] = 1.0F / static_cast<float>(i + 1);
  }
  cpu.move_towards(x.view(), 0.1F, here.view());
  ours.move_towards(x.view(), 0.1F, there.view());
  EXPECT_THAT(there.span<float>(), testing::ElementsAreArray(here.span<float>()));
}

TEST(CudaKernels, RefuseFloat64) {
  OnHost backend;
  Graph graph;
  const Value y = linear(graph, "fc", graph.input("x", {1, 3}), {.out = 2});
  const Parameters parameters(graph, DType::kFloat64);
  PlanOptions options;
  options.outputs = {y};
  options.type = DType::kFloat64;
  EXPECT_THAT([&] { Plan::compile(graph, parameters, backend, options); },
              testing::ThrowsMessage<ConfigError>(testing::HasSubstr("fc: float64 is not")));
}

// A step of a whole net, each kernel judged on what the one before it gave.
TEST(CudaOnHost, AStepOfAResidualNetMatchesTheReference) {
  const std::vector<std::string> options_of_model = {"depth=8", "width=4"};
  const Model model = models::build("resnet", options_of_model, {.height = 8, .width = 8});
  Parameters parameters(model.graph);
  parameters.initialize(1);
  OnHost backend;
  PlanOptions options;
  options.batch = 2;
  options.outputs = options.seeds = {model.loss};
  Executor executor(Plan::compile(model.graph, parameters, backend, options), parameters);
  ReferenceCheck check(1e-5);
  executor.set_observer(&check);
  Tensor images(model.graph.shape(model.image).with_batch(2)), labels({2}, DType::kInt32),
      seed({2});
  for (std::int64_t i = 0; i < images.shape().elements(); ++i)
    images.as<float>()[i] = static_cast<float>(
        random::normal({1, random::Purpose::kTest}, static_cast<std::uint64_t>(i)));
  labels.as<std::int32_t>()[1] = 7;
  seed.as<float>()[0] = seed.as<float>()[1] = 0.5F;
  const Feed inputs[] = {{model.image, images.view()}, {model.labels, labels.view()}};
  const Feed seeds[] = {{model.loss, seed.view()}};
  executor.forward(inputs);
  executor.backward(seeds);
  EXPECT_GT(check.comparisons(), 30);
  for (const ReferenceCheck::Finding& finding : check.findings())
    ADD_FAILURE() << finding.what << ": off by " << finding.difference << " of "
                  << finding.magnitude;
}

}  // namespace
}  // namespace hadal::cuda

// Every case of the table of layers on a real device, judged by the reference; batches, judged by
// the host's; steps of whole nets; the same bits twice. The program lies beside the plug-in, so it
// finds it as `hadal` does.
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/random.h"
#include "core/cpu/cpu_backend.h"
#include "core/cuda/open.h"
#include "core/executor.h"
#include "core/optim/optimizer.h"
#include "core/reference_check.h"
#include "models/registry.h"
#include "tests/core/data/batch_case.h"
#include "tests/core/kernel_case.h"

namespace hadal {
namespace {

/// One device for the whole program; opening it takes a second.
Backend* gpu(std::string* why_not) {
  static std::string reason;
  static const std::unique_ptr<Backend> backend = []() -> std::unique_ptr<Backend> {
    try {
      return cuda::Plugin("cuda:0").open(0);
    } catch (const DeviceError& error) {
      reason = error.what();
      return nullptr;
    }
  }();
  *why_not = reason;
  return backend.get();
}

class OnGpu : public testing::Test {
 protected:
  void SetUp() override {
    std::string why_not;
    backend_ = gpu(&why_not);
    if (!backend_) GTEST_SKIP() << why_not;
  }
  Backend& backend() const { return *backend_; }

 private:
  Backend* backend_ = nullptr;
};

/// The cases of the table by the kind of their layer.
const std::map<std::string, std::vector<test::KernelCase>>& cases() {
  static const auto table = [] {
    std::map<std::string, std::vector<test::KernelCase>> by_layer;
    for (test::KernelCase& kernel_case : test::kernel_cases()) {
      std::string layer(test::layer_of(kernel_case)->type());
      std::ranges::replace_if(
          layer, [](char letter) { return !std::isalnum(letter); }, '_');
      by_layer[layer].push_back(std::move(kernel_case));
    }
    return by_layer;
  }();
  return table;
}

std::vector<std::string> layers() {
  std::vector<std::string> names;
  for (const auto& [layer, of_layer] : cases()) names.push_back(layer);
  return names;
}

class LayerOnGpu : public OnGpu, public testing::WithParamInterface<std::string> {};

TEST_P(LayerOnGpu, MatchesTheReference) {
  for (const test::KernelCase& kernel_case : cases().at(GetParam()))
    test::judge(backend(), kernel_case);
}

INSTANTIATE_TEST_SUITE_P(Every, LayerOnGpu, testing::ValuesIn(layers()),
                         [](const auto& info) { return info.param; });

class BatchesOnGpu : public OnGpu, public testing::WithParamInterface<test::BatchCase> {};

TEST_P(BatchesOnGpu, HaveTheBitsOfTheHostsLoader) { test::judge(backend(), GetParam()); }

INSTANTIATE_TEST_SUITE_P(Every, BatchesOnGpu, testing::ValuesIn(test::batch_cases()),
                         [](const auto& info) { return info.param.name; });

struct Net {
  std::string family;
  std::vector<std::string> options;
};

class NetOnGpu : public OnGpu, public testing::WithParamInterface<Net> {
 protected:
  static constexpr std::int64_t kBatch = 16;

  /// Three steps from the same start; returns the losses of all samples.
  std::vector<float> train(Backend& on, Parameters& parameters, StepObserver* observer) {
    const Model& model = this->model();
    parameters.initialize(1);
    PlanOptions options;
    options.batch = kBatch;
    options.outputs = options.seeds = {model.loss};
    Executor executor(Plan::compile(model.graph, parameters, on, options), parameters);
    executor.set_observer(observer);
    const auto optimizer = on.optimizer(
        parameters, {.kind = "sgd", .momentum = 0.9, .nesterov = true, .weight_decay = 1e-4});
    Tensor images(model.graph.shape(model.image).with_batch(kBatch));
    Tensor labels({kBatch}, DType::kInt32), seed({kBatch});
    std::vector<float> losses;
    for (std::uint64_t step = 0; step < 3; ++step) {
      for (std::int64_t i = 0; i < images.shape().elements(); ++i)
        images.as<float>()[i] = static_cast<float>(
            random::normal({1, random::Purpose::kTest, step}, static_cast<std::uint64_t>(i)));
      for (std::int64_t n = 0; n < kBatch; ++n) {
        labels.as<std::int32_t>()[n] = static_cast<std::int32_t>(n % 10);
        seed.as<float>()[n] = 1.0F / kBatch;
      }
      const Feed inputs[] = {{model.image, images.view()}, {model.labels, labels.view()}};
      const Feed seeds[] = {{model.loss, seed.view()}};
      executor.forward(inputs, {.seed = 1, .step = step});
      const HostView loss(executor.value(model.loss));
      losses.insert(losses.end(), loss.as<float>(), loss.as<float>() + kBatch);
      executor.backward(seeds);
      optimizer->step(0.01);
    }
    return losses;
  }

  const Model& model() {
    if (!model_)
      model_ = std::make_unique<Model>(models::build(GetParam().family, GetParam().options));
    return *model_;
  }

 private:
  std::unique_ptr<Model> model_;
};

TEST_P(NetOnGpu, EveryKernelOfThreeStepsMatchesTheReference) {
  Parameters parameters(model().graph, DType::kFloat32, backend().device());
  ReferenceCheck check(1e-4);
  train(backend(), parameters, &check);
  EXPECT_GT(check.comparisons(), 100);
  for (const ReferenceCheck::Finding& finding : check.findings())
    ADD_FAILURE() << finding.what << ": off by " << finding.difference << " of "
                  << finding.magnitude;
}

TEST_P(NetOnGpu, GivesTheSameBitsTwice) {
  Parameters once(model().graph, DType::kFloat32, backend().device());
  Parameters again(model().graph, DType::kFloat32, backend().device());
  EXPECT_EQ(train(backend(), once, nullptr), train(backend(), again, nullptr));
  EXPECT_EQ(once.hash(), again.hash());
}

TEST_P(NetOnGpu, HasTheLossesOfTheCpu) {
  Parameters there(model().graph, DType::kFloat32, backend().device()), here(model().graph);
  CpuBackend cpu;
  const std::vector<float> found = train(backend(), there, nullptr);
  const std::vector<float> wanted = train(cpu, here, nullptr);
  ASSERT_EQ(found.size(), wanted.size());
  // float32 sums in another order, through three steps of training.
  for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(found[i], wanted[i], 1e-3) << i;
}

INSTANTIATE_TEST_SUITE_P(Nets, NetOnGpu,
                         testing::Values(Net{"resnet", {"depth=20"}},
                                         Net{"preact_resnet", {"depth=11", "block=bottleneck"}},
                                         Net{"fractalnet",
                                             {"columns=3", "widths=16,32", "dropout=0,0.2"}}),
                         [](const auto& info) { return info.param.family; });

TEST_F(OnGpu, MemoryThatIsNotThereIsRefusedWithTheWayOut) {
  const auto allocate = [&] { AlignedBuffer(std::size_t{1} << 50, backend().device()); };
  EXPECT_THAT(allocate,
              testing::ThrowsMessage<DeviceError>(testing::AllOf(
                  testing::HasSubstr("no room for"), testing::HasSubstr("recompute_every"))));
  const Tensor after({4}, DType::kFloat32, Layout::kNhwc, backend().device());
  EXPECT_EQ(HostView(after.view()).as<float>()[3], 0.0F) << "the device goes on";
}

}  // namespace
}  // namespace hadal

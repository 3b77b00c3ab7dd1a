// Training steps of whole nets: every kernel compared with the reference on what it was given, and
// the same bits every time.
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/base/random.h"
#include "core/cpu/cpu_backend.h"
#include "core/reference_check.h"
#include "models/registry.h"

namespace hadal {
namespace {

struct Net {
  std::string family;
  std::vector<std::string> options;
};

class WholeNet : public testing::TestWithParam<Net> {};

// One step of forward and backward on random images.
void run_step(const Model& model, Parameters& parameters, StepObserver* observer) {
  constexpr std::int64_t kBatch = 2;
  parameters.initialize(1);
  CpuBackend backend;
  PlanOptions options;
  options.batch = kBatch;
  options.outputs = options.seeds = {model.loss};
  Executor executor(Plan::compile(model.graph, parameters, backend, options), parameters);
  executor.set_observer(observer);

  Tensor images(model.graph.shape(model.image).with_batch(kBatch));
  Tensor labels(model.graph.shape(model.labels).with_batch(kBatch), DType::kInt32);
  Tensor seed(model.graph.shape(model.loss).with_batch(kBatch));
  for (std::int64_t i = 0; i < images.shape().elements(); ++i)
    images.as<float>()[i] = static_cast<float>(
        random::normal({1, random::Purpose::kTest}, static_cast<std::uint64_t>(i)));
  for (std::int64_t i = 0; i < kBatch; ++i) {
    labels.as<std::int32_t>()[i] = static_cast<std::int32_t>(3 + i);
    seed.as<float>()[i] = 1.0f / kBatch;
  }
  const Feed inputs[] = {{model.image, images.view()}, {model.labels, labels.view()}};
  const Feed seeds[] = {{model.loss, seed.view()}};
  executor.forward(inputs, {.seed = 1, .step = 1});
  executor.backward(seeds);
}

TEST_P(WholeNet, EveryStepMatchesTheReference) {
  const Model model = models::build(GetParam().family, GetParam().options);
  Parameters parameters(model.graph);
  // 1e-4 of a tensor's largest element: float32 sums of up to 2048 terms, by Winograd or not.
  ReferenceCheck check(1e-4);
  run_step(model, parameters, &check);
  EXPECT_GT(check.comparisons(), 30);
  for (const ReferenceCheck::Finding& finding : check.findings())
    ADD_FAILURE() << finding.what << ": off by " << finding.difference << " of "
                  << finding.magnitude;
}

TEST_P(WholeNet, GivesTheSameBitsTwice) {
  const Model model = models::build(GetParam().family, GetParam().options);
  Parameters once(model.graph), again(model.graph);
  run_step(model, once, nullptr);
  run_step(model, again, nullptr);
  EXPECT_EQ(std::memcmp(once.gradients().data, again.gradients().data, once.gradients().bytes()),
            0);
  EXPECT_EQ(std::memcmp(once.statistics().data, again.statistics().data, once.statistics().bytes()),
            0);
}

INSTANTIATE_TEST_SUITE_P(Nets, WholeNet,
                         testing::Values(Net{"resnet", {"depth=8"}},
                                         Net{"fractalnet",
                                             {"columns=2", "widths=16,32", "dropout=0.1"}}),
                         [](const auto& info) { return info.param.family; });

}  // namespace
}  // namespace hadal

#include "experiments/cost.h"

#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/data/registry.h"
#include "core/executor.h"
#include "core/reference/reference_backend.h"
#include "experiments/build.h"
#include "experiments/translate.h"

namespace hadal::experiments {
namespace {

// Gates fall otherwise in every step; the mean over so many of them is within a few percent.
constexpr std::uint64_t kSteps = 64;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Multiply-adds of one image. They are the same on every backend and in proportion to the batch.
double macs_of_image(const Model& model, Parameters& parameters, std::uint64_t seed,
                     bool training) {
  ReferenceBackend backend;
  PlanOptions options;
  options.training = training;
  options.outputs = {model.scores, model.loss};
  if (training) options.seeds = {model.loss};
  options.wants_parameter_gradients = training;
  const Executor executor(Plan::compile(model.graph, parameters, backend, options), parameters);
  if (!training || !model.gates) return static_cast<double>(executor.macs({}));
  double sum = 0;
  for (std::uint64_t step = 0; step < kSteps; ++step)
    sum += static_cast<double>(executor.macs(model.gates->sample(seed, step)));
  return sum / kSteps;
}

data::ImageCounts counts_of(const spec::Data& spec) {
  const data::DatasetInfo& info = data::find_dataset(spec.name());
  return info.counts(data::resolved_options(info, load_options(spec).values));
}

/// Bytes as they are read; what is done to the whole set at once is kept as floats besides.
std::int64_t bytes_of_image(const spec::ExperimentSpec& spec) {
  const InputSpec input = raw_input_of(spec);
  const std::int64_t bytes = std::int64_t{input.height} * input.width * input.channels;
  for (const data::PreprocessStep& step : preprocess_steps(spec.data()))
    if (step.name == "gcn" || step.name == "zca") return bytes * (1 + sizeof(float));
  return bytes;
}

/// Validations between the first step and the last.
std::int64_t validations(const spec::ExperimentSpec& spec, const TrainingCost& cost) {
  const std::int64_t epochs = ceil_div(cost.steps, cost.steps_per_epoch);
  std::int64_t times = ceil_div(epochs, spec.evaluation().every_epochs());
  if (spec.evaluation().every_steps() > 0) times += cost.steps / spec.evaluation().every_steps();
  return times;
}

void count_images(const spec::ExperimentSpec& spec, TrainingCost& cost) {
  const spec::Data& data = spec.data();
  const data::ImageCounts counts = counts_of(data);
  cost.validation_images = data.validation_images() +
                           std::int64_t{data::find_dataset(data.name()).classes} *
                               (data.validation_per_class() + data.validation_per_class_extra());
  cost.test_images = counts.test;
  if (counts.train <= 0) {
    if (spec.steps() > 0) return;
    throw ConfigError(
        fmt::format("data set {}: how many images there are is only known once it is read; give "
                    "the length in steps (--set epochs=0 --set steps=N)",
                    data.name()));
  }
  if (counts.train <= cost.validation_images)
    throw ConfigError(fmt::format("data.validation_images: {} are held out of {}",
                                  cost.validation_images, counts.train));
  cost.train_images = counts.train - cost.validation_images;
}

}  // namespace

TrainingCost training_cost(const spec::ExperimentSpec& spec) {
  TrainingCost cost;
  count_images(spec, cost);
  cost.steps_per_epoch =
      ceil_div(std::max<std::int64_t>(cost.train_images, 1), spec.global_batch());
  cost.steps = spec.steps() > 0 ? spec.steps() : spec.epochs() * cost.steps_per_epoch;

  cost.data_bytes =
      (cost.train_images + cost.validation_images + cost.test_images) * bytes_of_image(spec);
  const InputSpec input = input_of(spec);
  const Model model = build_model(spec, input);
  Parameters parameters(model.graph);
  cost.step_macs =
      spec.global_batch() * macs_of_image(model, parameters, spec.seed(), /*training=*/true);
  cost.evaluation_macs = macs_of_image(model, parameters, spec.seed(), /*training=*/false);

  // The test split is looked at with the last weights, with the best, and by the deepest column.
  int tests = 1;
  if (cost.validation_images > 0) {
    cost.evaluated_images = cost.validation_images * validations(spec, cost);
    ++tests;
  }
  if (deepest_column(spec, input)) ++tests;
  cost.evaluated_images += tests * cost.test_images;
  return cost;
}

}  // namespace hadal::experiments

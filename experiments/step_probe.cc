#include "experiments/step_probe.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/data/loader.h"
#include "core/data/registry.h"
#include "core/train/evaluator.h"
#include "core/train/train_step.h"
#include "experiments/build.h"
#include "experiments/translate.h"

namespace hadal::experiments {
namespace {

/// Batches that are ready at a time: the one in use and those prepared ahead.
constexpr std::int64_t kBatchesHeld = 4;

data::ImageSet made_up(const spec::ExperimentSpec& spec) {
  const InputSpec input = raw_input_of(spec);
  data::ImageSet set{.count = 2 * std::int64_t{spec.global_batch()},
                     .height = input.height,
                     .width = input.width,
                     .channels = input.channels};
  set.pixels.resize(static_cast<std::size_t>(set.count * set.bytes_per_image()));
  // Any bytes will do that are not all the same.
  std::uint32_t state = 1;
  for (std::uint8_t& pixel : set.pixels)
    pixel = static_cast<std::uint8_t>((state = state * 1664525u + 1013904223u) >> 24);
  for (std::int64_t i = 0; i < set.count; ++i)
    set.labels.push_back(static_cast<std::int32_t>(i % input.classes));
  return set;
}

/// What is done to an image whenever it is read.
std::vector<data::PreprocessStep> steps_on_the_fly(const spec::Data& data) {
  std::vector<data::PreprocessStep> steps = preprocess_steps(data);
  std::erase_if(steps, [](const auto& step) { return step.name == "gcn" || step.name == "zca"; });
  return steps;
}

std::int64_t state_bytes(Optimizer& optimizer) {
  std::size_t bytes = 0;
  for (const auto& [name, view] : optimizer.state()) bytes += view.bytes();
  return static_cast<std::int64_t>(bytes);
}

class Probe {
 public:
  Probe(const spec::ExperimentSpec& spec, ReplicaGroup& group, Backend& backend)
      : spec_(spec),
        group_(group),
        backend_(backend),
        images_(made_up(spec)),
        prepared_(images_, data::Preprocessor::fit(steps_on_the_fly(spec.data()), images_,
                                                   data::all_indices(images_.count))),
        model_(build_model(spec, input_of(spec))),
        parameters_(build_parameters(spec, model_, backend)),
        optimizer_(build_optimizer(spec, *parameters_, backend)),
        loader_(placed(), data::all_indices(images_.count), loader_options(true)) {}

  StepProbe run(const StepProbeOptions& options) {
    train(options);
    evaluate(options);
    result_.parameter_bytes =
        static_cast<std::int64_t>(parameters_->values().bytes() + parameters_->gradients().bytes() +
                                  2 * parameters_->running().bytes());
    result_.optimizer_bytes = state_bytes(*optimizer_);
    result_.batch_bytes = kBatchesHeld * loader_.shard_size() * prepared_.elements() *
                          static_cast<std::int64_t>(sizeof(float));
    return result_;
  }

 private:
  const data::PreparedImages& placed() {
    prepared_.place_on(backend_);
    return prepared_;
  }

  data::LoaderOptions loader_options(bool training) const {
    data::LoaderOptions options;
    options.global_batch = spec_.global_batch();
    options.logical_shards = group_.logical_shards();
    options.first_shard = group_.shards().first;
    options.shards = group_.shards().size();
    options.seed = spec_.seed();
    options.shuffle = training;
    if (training) options.augmentation = augmentation(spec_.augmentation());
    return options;
  }

  TrainStepOptions step_options() const {
    TrainStepOptions options;
    options.seed = spec_.seed();
    options.running_momentum = spec_.batch_norm().momentum();
    options.recompute_every = spec_.recompute_every();
    options.stop_when_not_finite = false;  // there is nothing to learn from made-up images
    return options;
  }

  /// Root's clock decides for all.
  bool is_enough(double since, int done, const StepProbeOptions& options) {
    const bool enough = done >= options.most_steps ||
                        (done >= options.least_steps && clock_.now_s() - since >= options.seconds);
    return group_.any(group_.is_root() && enough);
  }

  void train(const StepProbeOptions& options) {
    TrainStep step(model_, *parameters_, backend_, group_, loader_.shard_size(), step_options());
    result_.arena_bytes = static_cast<std::int64_t>(step.executor().plan().arena_bytes());
    const double rate = learning_rate(spec_).at({0, 1, 1});
    double started = 0, sum = 0;
    for (int done = -1; done < 0 || !is_enough(started, done, options); ++done) {
      const double before = clock_.now_s();
      if (done == 0) started = before;
      const StepResult result = step.run(
          done + 1, [this]() -> const data::Batch& { return loader_.next(); }, *optimizer_, rate);
      parameters_->tensor_hashes();  // a run writes them down
      if (done < 0) continue;
      const double seconds = clock_.now_s() - before;
      sum += seconds;
      result_.quickest_s = done == 0 ? seconds : std::min(result_.quickest_s, seconds);
      result_.slowest_s = std::max(result_.slowest_s, seconds);
      result_.bytes_sent += static_cast<double>(result.bytes_sent);
      result_.steps = done + 1;
    }
    result_.step_s = sum / result_.steps;
    result_.bytes_sent /= result_.steps;
  }

  void evaluate(const StepProbeOptions& options) {
    data::Loader loader(prepared_, data::all_indices(images_.count), loader_options(false));
    Evaluator evaluator(model_, *parameters_, backend_, group_, loader.shard_size());
    result_.evaluation_arena_bytes = static_cast<std::int64_t>(evaluator.plan().arena_bytes());
    evaluator.run(loader);
    const double started = clock_.now_s();
    int passes = 0;
    do {
      evaluator.run(loader);
      ++passes;
    } while (!group_.any(group_.is_root() && clock_.now_s() - started >= options.seconds / 5));
    result_.image_evaluation_s =
        (clock_.now_s() - started) / (passes * static_cast<double>(images_.count));
  }

  const spec::ExperimentSpec& spec_;
  ReplicaGroup& group_;
  Backend& backend_;
  SystemClock clock_;
  data::ImageSet images_;
  data::PreparedImages prepared_;
  Model model_;
  std::unique_ptr<Parameters> parameters_;
  std::unique_ptr<Optimizer> optimizer_;
  data::Loader loader_;
  StepProbe result_;
};

}  // namespace

StepProbe probe_steps(const spec::ExperimentSpec& spec, ReplicaGroup& group, Backend& backend,
                      const StepProbeOptions& options) {
  return Probe(spec, group, backend).run(options);
}

}  // namespace hadal::experiments

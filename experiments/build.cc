#include "experiments/build.h"

#include "core/base/strings.h"
#include "core/data/registry.h"
#include "experiments/spec/options.h"
#include "experiments/translate.h"
#include "models/registry.h"

namespace hadal::experiments {
RunData::RunData(const spec::ExperimentSpec& spec, const std::string& data_dir) {
  dataset_ = data::load_dataset(spec.data().name(), load_options(spec.data(), data_dir));
  split_ = data::split_training_set(dataset_, split_options(spec.data()));
  preprocessor_ = std::make_unique<data::Preprocessor>(
      data::Preprocessor::fit(preprocess_steps(spec.data()), dataset_.train, split_.train));
  train_ = std::make_unique<data::PreparedImages>(dataset_.train, *preprocessor_);
  test_ = std::make_unique<data::PreparedImages>(dataset_.test, *preprocessor_);
}

InputSpec RunData::input() const {
  return {preprocessor_->height(), preprocessor_->width(), preprocessor_->channels(),
          dataset_.classes};
}

bool RunData::place_on(Backend& backend) {
  const bool train = train_->place_on(backend);
  const bool test = test_->place_on(backend) || test_count() == 0;
  return train && test;
}

std::unique_ptr<data::Loader> RunData::train_loader(const spec::ExperimentSpec& spec,
                                                    int logical_shards, int first_shard,
                                                    int shards) const {
  data::LoaderOptions options;
  options.global_batch = spec.global_batch();
  options.logical_shards = logical_shards;
  options.first_shard = first_shard;
  options.shards = shards;
  options.seed = spec.seed();
  options.augmentation = augmentation(spec.augmentation());
  return std::make_unique<data::Loader>(*train_, split_.train, options);
}

std::unique_ptr<data::Loader> RunData::evaluation_loader(Evaluated which, std::int64_t shard_batch,
                                                         int logical_shards, int first_shard,
                                                         int shards) const {
  data::LoaderOptions options;
  options.global_batch = shard_batch * logical_shards;
  options.logical_shards = logical_shards;
  options.first_shard = first_shard;
  options.shards = shards;
  options.shuffle = false;
  if (which == Evaluated::kValidation)
    return std::make_unique<data::Loader>(*train_, split_.validation, options);
  return std::make_unique<data::Loader>(*test_, data::all_indices(dataset_.test.count), options);
}

InputSpec raw_input_of(const spec::ExperimentSpec& spec) {
  const data::DatasetInfo& info = data::find_dataset(spec.data().name());
  InputSpec input{info.height, info.width, info.channels, info.classes};
  const data::OptionValues options = load_options(spec.data()).values;
  if (const auto side = options.find("side"); side != options.end())
    input.height = input.width = static_cast<int>(parse_int(side->second, "data option side"));
  return input;
}

InputSpec input_of(const spec::ExperimentSpec& spec) {
  InputSpec input = raw_input_of(spec);
  for (const data::PreprocessStep& step : preprocess_steps(spec.data())) {
    if (step.name != "pad") continue;
    input.height += 2 * static_cast<int>(step.values.at(0));
    input.width += 2 * static_cast<int>(step.values.at(0));
  }
  return input;
}

Model build_model(const spec::ExperimentSpec& spec, const InputSpec& input) {
  return models::build(spec.model().name(), model_settings(spec.model()), input);
}

std::unique_ptr<Parameters> build_parameters(const spec::ExperimentSpec& spec, const Model& model,
                                             Backend& backend) {
  auto parameters = std::make_unique<Parameters>(model.graph, DType::kFloat32, backend.device());
  if (const auto replacement = initializer(spec.initializer()))
    parameters->set_weight_initializer(*replacement);
  parameters->initialize(spec.seed());
  return parameters;
}

std::unique_ptr<Optimizer> build_optimizer(const spec::ExperimentSpec& spec, Parameters& parameters,
                                           Backend& backend) {
  return backend.optimizer(parameters, optimizer_options(spec.optimizer()));
}

std::optional<Model> deepest_column(const spec::ExperimentSpec& spec, const InputSpec& input) {
  if (spec.model().name() != "fractalnet") return std::nullopt;
  spec::Options options = spec::options_of(spec.model().set());
  if (options["deepest"] == "true") return std::nullopt;
  options["deepest"] = "true";
  spec::Model alone;
  alone.set_name(spec.model().name());
  *alone.mutable_set() = spec::sorted(options);
  return models::build(alone.name(), model_settings(alone), input);
}

}  // namespace hadal::experiments

#include "experiments/translate.h"

#include <algorithm>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "experiments/spec/options.h"
#include "models/registry.h"

namespace hadal::experiments {
namespace {

const std::vector<std::pair<std::string, InitializerKind>>& initializer_kinds() {
  static const std::vector<std::pair<std::string, InitializerKind>> kinds = {
      {"constant", InitializerKind::kConstant},
      {"fan_in_uniform", InitializerKind::kFanInUniform},
      {"gaussian", InitializerKind::kGaussian},
      {"glorot_normal", InitializerKind::kGlorotNormal},
      {"glorot_uniform", InitializerKind::kGlorotUniform},
      {"he_fan_in", InitializerKind::kHeFanIn},
      {"he_fan_out", InitializerKind::kHeFanOut},
      {"orthogonal", InitializerKind::kOrthogonal},
      {"truncated_normal", InitializerKind::kTruncatedNormal},
      {"uniform", InitializerKind::kUniform},
      {"xavier_fan_in", InitializerKind::kXavierFanIn}};
  return kinds;
}

template <typename List>
auto as_vector(const List& list) {
  return std::vector<typename List::value_type>(list.begin(), list.end());
}

void complete_model(spec::Model& model) {
  const std::vector<std::string> settings =
      models::read_options(model.name(), model_settings(model)).settings();
  model.mutable_set()->Assign(settings.begin(), settings.end());
}

void complete_data(spec::Data& data) {
  *data.mutable_set() = spec::sorted(
      data::resolved_options(data::find_dataset(data.name()), spec::options_of(data.set())));
}

void check_optimizer(const spec::Optimizer& optimizer) {
  const std::vector<std::string> known = optimizer_names();
  if (std::find(known.begin(), known.end(), optimizer.name()) == known.end())
    throw ConfigError(unknown_name("optimizer", optimizer.name(), known));
}

}  // namespace

std::vector<std::string> model_settings(const spec::Model& model) { return as_vector(model.set()); }

data::LoadOptions load_options(const spec::Data& data, const std::string& data_dir) {
  return {.data_dir = data_dir.empty() ? data.folder() : data_dir,
          .values = spec::options_of(data.set())};
}

data::SplitOptions split_options(const spec::Data& data) {
  return {.validation = data.validation_images(),
          .per_class = data.validation_per_class(),
          .per_class_extra = data.validation_per_class_extra(),
          .seed = data.split_seed()};
}

std::vector<data::PreprocessStep> preprocess_steps(const spec::Data& data) {
  std::vector<data::PreprocessStep> steps;
  for (const std::string& text : data.preprocess()) {
    std::vector<std::string> words;
    for (const std::string& word : split(text, ' '))
      if (!word.empty()) words.push_back(word);
    if (words.empty()) throw ConfigError("a preprocessing step without a name");
    const std::vector<std::string>& known = data::preprocess_step_names();
    if (std::find(known.begin(), known.end(), words[0]) == known.end())
      throw ConfigError(unknown_name("preprocessing step", words[0], known));
    data::PreprocessStep step{.name = words[0]};
    for (std::size_t i = 1; i < words.size(); ++i)
      step.values.push_back(parse_double(words[i], text));
    steps.push_back(std::move(step));
  }
  return steps;
}

data::Augmentation augmentation(const spec::Augmentation& a) {
  return {.pad = a.pad(),
          .padding = data::padding_of(spec::Augmentation::Fill_Name(a.fill())),
          .mirror = a.mirror(),
          .cutout = a.cutout()};
}

OptimizerOptions optimizer_options(const spec::Optimizer& o) {
  return {.kind = o.name(),
          .momentum = o.momentum(),
          .nesterov = o.nesterov(),
          .momentum_form = o.momentum_form() == spec::Optimizer::rate_inside
                               ? MomentumForm::kRateInside
                               : MomentumForm::kRateOutside,
          .weight_decay = o.weight_decay(),
          .decay_on = o.decay_on() == spec::Optimizer::weights ? DecayOn::kWeights : DecayOn::kAll,
          .clip_norm = o.clip_norm(),
          .clip_value = o.clip_value(),
          .rho = o.rho(),
          .beta1 = o.beta1(),
          .beta2 = o.beta2(),
          .epsilon = o.epsilon() > 0 ? std::optional(o.epsilon()) : std::nullopt};
}

LearningRate learning_rate(const spec::ExperimentSpec& spec) {
  const spec::Schedule& s = spec.schedule();
  const spec::WarmUp& w = s.warm_up();
  return LearningRate(spec.optimizer().learning_rate(),
                      {.kind = s.kind(),
                       .at_epoch = as_vector(s.at_epoch()),
                       .at_step = as_vector(s.at_step()),
                       .at_fraction = as_vector(s.at_fraction()),
                       .factors = as_vector(s.factors()),
                       .factor = s.factor(),
                       .power = s.power(),
                       .gamma = s.gamma(),
                       .every_steps = s.every_steps(),
                       .every_epochs = s.every_epochs(),
                       .final = s.final(),
                       .initial = s.initial(),
                       .up_fraction = s.up_fraction(),
                       .shortest_epochs = s.shortest_epochs()},
                      {.steps = w.steps(),
                       .epochs = w.epochs(),
                       .until_training_error = w.until_training_error(),
                       .error_window = w.error_window(),
                       .learning_rate = w.learning_rate()});
}

std::optional<Initializer> initializer(const spec::Initializer& initializer) {
  if (initializer.kind().empty()) return std::nullopt;
  std::vector<std::string> known;
  for (const auto& [name, kind] : initializer_kinds()) {
    if (name == initializer.kind()) return Initializer{kind, initializer.value()};
    known.push_back(name);
  }
  throw ConfigError(unknown_name("initialiser", initializer.kind(), known));
}

void complete(spec::ExperimentSpec& spec, std::vector<spec::Problem>& problems) {
  const auto check = [&](const char* path, const std::function<void()>& what) {
    try {
      what();
    } catch (const ConfigError& error) {
      problems.push_back({path, error.what()});
    }
  };
  check("model", [&] { complete_model(*spec.mutable_model()); });
  check("data", [&] { complete_data(*spec.mutable_data()); });
  check("data.preprocess", [&] { preprocess_steps(spec.data()); });
  check("optimizer", [&] { check_optimizer(spec.optimizer()); });
  check("schedule", [&] { learning_rate(spec); });
  check("initializer", [&] { initializer(spec.initializer()); });
}

}  // namespace hadal::experiments

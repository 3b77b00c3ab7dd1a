// From the fields of a resolved spec to the options core and models take, and the check that every
// name in it is known there.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/data/augment.h"
#include "core/data/preprocess.h"
#include "core/data/registry.h"
#include "core/data/split.h"
#include "core/initializer.h"
#include "core/optim/optimizer.h"
#include "core/optim/schedule.h"
#include "experiments/spec/resolve.h"

#include "experiments/spec/experiment.pb.h"

namespace hadal::experiments {

/// Settings of the model for models::build(): "depth=110".
std::vector<std::string> model_settings(const spec::Model& model);

/// `data_dir`, from the command line, goes before the spec's own folder.
data::LoadOptions load_options(const spec::Data& data, const std::string& data_dir = "");
data::SplitOptions split_options(const spec::Data& data);

/// "pad 2" as a step with its numbers. Throws ConfigError for an unknown step and for what is not a
/// number.
std::vector<data::PreprocessStep> preprocess_steps(const spec::Data& data);
data::Augmentation augmentation(const spec::Augmentation& augmentation);

OptimizerOptions optimizer_options(const spec::Optimizer& optimizer);
/// Throws ConfigError for an unknown schedule or options that have no meaning together.
LearningRate learning_rate(const spec::ExperimentSpec& spec);

/// What replaces the models' own, or nothing. Throws ConfigError for an unknown kind.
std::optional<Initializer> initializer(const spec::Initializer& initializer);

/// A spec::Complete: checks the names and options of model, data set, preprocessing, optimizer,
/// schedule and initialiser against what is built in, and writes the defaults of model and data set
/// out.
void complete(spec::ExperimentSpec& spec, std::vector<spec::Problem>& problems);

}  // namespace hadal::experiments

// From a spec to objects: the data, the model, the optimizer it asks for.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/backend.h"
#include "core/data/loader.h"
#include "core/data/split.h"
#include "core/model.h"
#include "core/optim/optimizer.h"
#include "core/params.h"
#include "experiments/spec/resolve.h"

namespace hadal::experiments {

/// The images of a run: read, split, and prepared by figures fitted on the training split.
class RunData {
 public:
  /// `data_dir` as for data::load_dataset; the spec's own folder comes before it. Throws
  /// ConfigError, IoError, DataError.
  RunData(const spec::ExperimentSpec& spec, const std::string& data_dir);

  InputSpec input() const;
  const data::Split& split() const { return split_; }
  std::int64_t test_count() const { return dataset_.test.count; }

  /// Copies the training images, then the test images, to the device of `backend`, which must
  /// outlive this; loaders made from now on give the same bits from there. False where some images
  /// stay with the host (PreparedImages::place_on).
  bool place_on(Backend& backend);

  /// A loader of the training split, shuffled and augmented as the spec says.
  std::unique_ptr<data::Loader> train_loader(const spec::ExperimentSpec& spec, int logical_shards,
                                             int first_shard, int shards) const;
  enum class Evaluated { kValidation, kTest };
  /// A loader of a split in order, as it is; `shard_batch` images per shard and step.
  std::unique_ptr<data::Loader> evaluation_loader(Evaluated which, std::int64_t shard_batch,
                                                  int logical_shards, int first_shard,
                                                  int shards) const;

 private:
  data::Dataset dataset_;
  data::Split split_;
  std::unique_ptr<data::Preprocessor> preprocessor_;
  std::unique_ptr<data::PreparedImages> train_, test_;
};

/// The images of a spec's data set, without reading it; and as its net gets them, with the border
/// that preprocessing adds.
InputSpec raw_input_of(const spec::ExperimentSpec& spec);
InputSpec input_of(const spec::ExperimentSpec& spec);

/// The model of a spec for this input, with the spec's initialiser on the weights of its
/// convolutions and linear layers.
Model build_model(const spec::ExperimentSpec& spec, const InputSpec& input);

/// The parameters of a model where `backend` wants them, set to their initial values for the
/// spec's seed.
std::unique_ptr<Parameters> build_parameters(const spec::ExperimentSpec& spec, const Model& model,
                                             Backend& backend);

std::unique_ptr<Optimizer> build_optimizer(const spec::ExperimentSpec& spec, Parameters& parameters,
                                           Backend& backend);

/// The deepest column alone of a FractalNet that was built with all of them, with the same
/// parameter names; nothing for other models.
std::optional<Model> deepest_column(const spec::ExperimentSpec& spec, const InputSpec& input);

}  // namespace hadal::experiments

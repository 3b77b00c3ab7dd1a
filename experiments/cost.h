// What a training costs by its spec alone: nothing is read and nothing is trained.
#pragma once

#include <cstdint>

#include "experiments/spec/resolve.h"

namespace hadal::experiments {

struct TrainingCost {
  /// As the makers of the set count them, after the split; files of one's own count nothing.
  std::int64_t train_images = 0, validation_images = 0, test_images = 0;
  std::int64_t steps_per_epoch = 0, steps = 0;
  /// Images looked at to evaluate: of validation as often as the spec says, of test at the end.
  std::int64_t evaluated_images = 0;
  /// Multiply-adds, over all ranks: of a step, forward and backward, as the gates fall on average;
  /// and of an image that is only evaluated.
  double step_macs = 0, evaluation_macs = 0;

  /// The whole set as a rank holds it.
  std::int64_t data_bytes = 0;

  /// Multiply-adds of the whole training.
  double macs() const {
    return static_cast<double>(steps) * step_macs +
           static_cast<double>(evaluated_images) * evaluation_macs;
  }
};

/// `spec` is resolved. Throws ConfigError for a model that cannot be built, and where the set's
/// size is not known and the length is given in epochs.
TrainingCost training_cost(const spec::ExperimentSpec& spec);

}  // namespace hadal::experiments

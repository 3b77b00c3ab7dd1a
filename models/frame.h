// How every classifier begins and ends.
#pragma once

#include <vector>

#include "core/model.h"
#include "models/options.h"

namespace hadal::models {

/// A graph with its two inputs, "image" (1 x H x W x C) and "labels". Throws ConfigError unless the
/// input has positive extents and at least two classes.
Model begin(const InputSpec& input);

/// Ends `model` with softmax cross-entropy on `scores` (N x classes) as "loss".
void end_with_softmax(Model& model, Value scores);

std::vector<OptionSpec> operator+(std::vector<OptionSpec> left,
                                  const std::vector<OptionSpec>& right);

}  // namespace hadal::models

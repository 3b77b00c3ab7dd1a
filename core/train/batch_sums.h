#pragma once

#include "core/data/loader.h"
#include "core/executor.h"
#include "core/model.h"

namespace hadal {

/// What a forward pass says of its batch, each sample times its weight (0 for those that only fill
/// the batch up).
struct BatchSums {
  double loss = 0.0;
  double errors = 0.0;  // samples whose highest score, the first of equals, is not the label
  double samples = 0.0;
};

/// REQUIRES: `executor` just ran forward on `batch` and keeps the model's scores and loss.
BatchSums sums_of(const Executor& executor, const Model& model, const data::Batch& batch);

}  // namespace hadal

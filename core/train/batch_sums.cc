#include "core/train/batch_sums.h"

#include <algorithm>

namespace hadal {

BatchSums sums_of(const Executor& executor, const Model& model, const data::Batch& batch) {
  const HostView scores(executor.value(model.scores)), losses(executor.value(model.loss));
  const std::int64_t classes = scores.view().shape.c();
  const float* score = scores.as<float>();
  const float* loss = losses.as<float>();
  const std::span<const float> weights = batch.weights.span<float>();
  const std::span<const std::int32_t> labels = batch.labels.span<std::int32_t>();
  BatchSums sums;
  for (std::size_t n = 0; n < weights.size(); ++n, score += classes) {
    const double weight = weights[n];
    if (weight == 0) continue;
    sums.loss += weight * loss[n];
    sums.samples += weight;
    if (std::max_element(score, score + classes) - score != labels[n]) sums.errors += weight;
  }
  return sums;
}

}  // namespace hadal

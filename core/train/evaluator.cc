#include "core/train/evaluator.h"

#include <cmath>

#include "core/train/batch_sums.h"

namespace hadal {
namespace {

enum Metric { kLoss, kErrors, kSamples, kMetrics };

std::unique_ptr<Plan> inference_plan(const Model& model, const Parameters& parameters,
                                     Backend& backend, std::int64_t batch) {
  PlanOptions plan;
  plan.batch = batch;
  plan.training = false;
  plan.outputs = {model.scores, model.loss};
  plan.wants_parameter_gradients = false;
  return Plan::compile(model.graph, parameters, backend, plan);
}

}  // namespace

Evaluator::Evaluator(const Model& model, Parameters& parameters, Backend& backend,
                     ReplicaGroup& group, std::int64_t shard_batch)
    : model_(model),
      group_(group),
      executor_(inference_plan(model, parameters, backend, shard_batch), parameters) {}

Evaluation Evaluator::run(data::Loader& loader) {
  loader.seek(0, 0);
  const ShardRange shards = group_.shards();
  std::vector<double> rows(static_cast<std::size_t>(shards.size()) * kMetrics);
  for (std::int64_t step = 0; step < loader.steps_per_epoch(); ++step) {
    for (int shard = 0; shard < shards.size(); ++shard) {
      group_.enter(Phase::kCompute, "evaluate");
      const data::Batch& batch = loader.next();
      const Feed inputs[] = {{model_.image, batch.images.view()},
                             {model_.labels, batch.labels.view()}};
      executor_.forward(inputs);
      const BatchSums sums = sums_of(executor_, model_, batch);
      double* row = rows.data() + static_cast<std::size_t>(shard) * kMetrics;
      row[kLoss] += sums.loss;
      row[kErrors] += sums.errors;
      row[kSamples] += sums.samples;
    }
  }
  std::vector<double> totals(kMetrics);
  group_.sum_over_shards(rows, totals);
  return {totals[kLoss] / totals[kSamples], totals[kErrors] / totals[kSamples],
          std::llround(totals[kSamples])};
}

}  // namespace hadal

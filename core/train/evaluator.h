#pragma once

#include "core/data/loader.h"
#include "core/executor.h"
#include "core/model.h"
#include "core/train/replica_group.h"

namespace hadal {

struct Evaluation {
  double loss = 0.0;   // mean over samples
  double error = 0.0;  // fraction whose highest score is not the label
  std::int64_t samples = 0;
};

/// Runs a model over a whole split with running statistics, every gate open and branches at their
/// expectation; the samples are spread over the replicas by shards, and counted exactly once.
class Evaluator {
 public:
  /// Arguments must outlive the evaluator; `shard_batch` samples per logical shard.
  Evaluator(const Model& model, Parameters& parameters, Backend& backend, ReplicaGroup& group,
            std::int64_t shard_batch);

  const Plan& plan() const { return executor_.plan(); }

  /// Collective: one epoch of `loader`, which serves this replica's shards. The same numbers on
  /// every replica.
  Evaluation run(data::Loader& loader);

 private:
  const Model& model_;
  ReplicaGroup& group_;
  Executor executor_;
};

}  // namespace hadal

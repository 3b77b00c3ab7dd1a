// The errors of a net that was trained before, from the checkpoints of its run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/backend.h"
#include "core/safetensors.h"
#include "core/train/replica_group.h"
#include "experiments/build.h"
#include "experiments/spec/resolve.h"

namespace hadal::experiments {

/// Parameters and running statistics by name: what a checkpoint calls "weights".
NamedViews weights_of(const Parameters& parameters);

struct EvaluationRequest {
  std::filesystem::path folder;  // of the run
  std::string data_dir;
  RunData::Evaluated split = RunData::Evaluated::kTest;
  bool best_validation =
      false;  // the weights of the best validation epoch instead of the last ones
};

struct EvaluationResult {
  double loss = 0;
  double error = 0;  // percent
  std::int64_t images = 0;
  std::int64_t step = 0;  // of the checkpoint
};

/// Collective. Throws IoError when the run has no checkpoint.
EvaluationResult evaluate_run(const spec::ExperimentSpec& spec, ReplicaGroup& group,
                              Backend& backend, const EvaluationRequest& request);

}  // namespace hadal::experiments

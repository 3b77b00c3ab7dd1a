// A few real steps of a training, to see how long one takes here: forward, backward, exchange and
// optimizer at the spec's batch, on images of the set's size that are made up; a device holds them,
// as it holds a set that finds room.
#pragma once

#include <cstdint>

#include "core/backend.h"
#include "core/train/replica_group.h"
#include "experiments/spec/resolve.h"

namespace hadal::experiments {

struct StepProbeOptions {
  double seconds = 5;   // of measuring; the first step is not counted
  int least_steps = 3;  // however long they take
  int most_steps = 1000;
};

struct StepProbe {
  int steps = 0;      // measured
  double step_s = 0;  // mean, for gates fall otherwise in every step
  double quickest_s = 0, slowest_s = 0;
  double bytes_sent = 0;          // by this replica, mean of a step
  double image_evaluation_s = 0;  // of an image that is only evaluated, all replicas at work
  /// Of this replica, in bytes.
  std::int64_t arena_bytes = 0, evaluation_arena_bytes = 0, parameter_bytes = 0,
               optimizer_bytes = 0, batch_bytes = 0;

  std::int64_t bytes() const {
    return arena_bytes + evaluation_arena_bytes + parameter_bytes + optimizer_bytes + batch_bytes;
  }
};

/// Collective over `group`. What is done once to the whole set before the first step (contrast
/// normalisation, whitening) is left out. Throws ConfigError as a training would.
StepProbe probe_steps(const spec::ExperimentSpec& spec, ReplicaGroup& group, Backend& backend,
                      const StepProbeOptions& options = {});

}  // namespace hadal::experiments

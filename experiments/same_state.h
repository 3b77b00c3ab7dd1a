// Whether all replicas hold the same state; told before it is saved and every N steps.
#pragma once

#include <cstdint>

#include "core/train/replica_group.h"

namespace hadal {
class LearningRate;
class Optimizer;
class Parameters;
}  // namespace hadal

namespace hadal::experiments {

/// Collective. Compares one hash over parameters, optimizer state and the learning rate's own; when
/// replicas differ, throws CommError (ExitCode::kReplicasDiffer) that names the first tensor that
/// does and, where there is a majority, the ranks: "after step 12, the bits of 'conv1' and perhaps
/// more …".
void require_same_state(ReplicaGroup& group, const Parameters& parameters,
                        const Optimizer& optimizer, const LearningRate& rate,
                        std::int64_t steps_done);

}  // namespace hadal::experiments

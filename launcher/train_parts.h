// What another program may put between the parts of `hadal train`: one that tests it under faults.
#pragma once

#include <functional>
#include <memory>

#include "core/train/replica_group.h"
#include "dist/watchdog.h"
#include "experiments/run.h"
#include "launcher/command.h"

namespace hadal::launcher {

struct TrainParts {
  /// A group around the one that trains, and does what it is told; null: none.
  std::function<std::unique_ptr<ReplicaGroup>(ReplicaGroup&)> around_group = {};
  experiments::ReplicaProbe* probe = nullptr;  // null: none
  dist::WatchdogOptions watchdog = {};
};

/// `hadal train` with these parts in it.
Command train_command(const TrainParts& parts);

}  // namespace hadal::launcher

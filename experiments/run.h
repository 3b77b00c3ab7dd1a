// One training from a resolved spec to its numbers: start or resume, epochs, validation,
// checkpoints, and at the very end, once, the test split.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/backend.h"
#include "core/data/loader.h"
#include "core/train/replica_group.h"
#include "core/train/stragglers.h"
#include "experiments/checkpoint.h"
#include "experiments/spec/resolve.h"

namespace hadal::experiments {

/// Where a training stands. Errors in percent throughout.
struct TrainingProgress {
  int epoch = 1, epochs = 1;  // the one being trained, from 1; of how many
  std::int64_t step_of_epoch = 0, steps_per_epoch = 1;
  std::int64_t step = 0, total_steps = 1;
  double loss = 0, error = 0;  // means over the epoch so far
  std::int64_t images = 0;     // trained in this step, over all replicas
};

struct EpochReport {
  int epoch = 0;  // done, from 1
  std::int64_t step = 0;
  double learning_rate = 0;
  double train_loss = 0,
         train_error = 0;  // means over the epoch's batches, augmented and as they were trained on
  std::optional<double> validation_loss, validation_error;
  double images_per_second = 0;
  double seconds = 0;                    // of training, evaluation not counted
  std::int64_t bytes_sent = 0;           // by this replica, for gradients and statistics
  std::int64_t macs = 0;                 // multiply-adds of this replica
  std::int64_t steps = 0;                // of this epoch
  std::vector<std::int64_t> open_gates;  // in how many of them each gate was open
};

/// The bits a training holds after a step.
struct StepState {
  std::int64_t step = 0;                     // steps done
  double loss = 0;                           // of this step's batch
  std::vector<std::uint64_t> tensor_hashes;  // Parameters::tensor_hashes()
  std::vector<double> shard_losses = {};     // StepResult::shard_losses
  int rewinds = 0;                           // so far
};

/// Where the time went since the last report.
struct TimesReport {
  std::int64_t step = 0;   // steps done
  std::int64_t steps = 0;  // reported on
  std::vector<HostTimes> hosts;
};

/// What a training tells while it goes on. Called on the root replica only.
class RunListener {
 public:
  virtual ~RunListener() = default;
  /// Once, before the first step: Parameters::tensor_names().
  virtual void on_start(const std::vector<std::string>& /*tensor_names*/) {}
  /// Likewise, where the net has gates: their names and the probabilities to be open.
  virtual void on_gates(const std::vector<std::string>& /*names*/,
                        const std::vector<double>& /*survival*/) {}
  virtual void on_step(const TrainingProgress&) {}
  virtual void on_state(const StepState&) {}
  virtual void on_epoch(const EpochReport&) {}
  virtual void on_times(const TimesReport&) {}
  /// The training went back to `rewind.to` steps, and repeats what came after with other bits.
  virtual void on_rewind(const Rewind& /*rewind*/) {}
  /// "resumed", "checkpoint", "best", "warning", "straggler", "drained".
  virtual void on_event(const std::string& /*what*/, std::int64_t /*step*/,
                        const std::string& /*detail*/) {}
};

/// Is shown, on every replica, what it trains with: for tests that count it or damage it.
class ReplicaProbe {
 public:
  virtual ~ReplicaProbe() = default;
  virtual void on_batch(const data::Batch&) {}
  /// After every step, before replicas are compared; `step` steps are done.
  virtual void on_state(std::int64_t /*step*/, const TensorGroups&) {}
};

struct RunSummary {
  struct Errors {
    int epoch = 0;
    std::optional<double> train_loss, train_error;  // of that epoch
    std::optional<double> validation_error, test_error;
  };
  bool drained = false;  // stopped on request, saved
  bool paused = false;   // stopped at stop_after_epoch, saved
  std::int64_t steps = 0;
  int epochs = 0;
  double seconds = 0;  // of training and evaluation, over all attempts
  Errors last;
  std::optional<Errors> best_validation;            // when there is a validation split
  std::optional<double> deepest_column_test_error;  // of a FractalNet, with the last weights
  std::uint64_t weights_hash = 0;                   // parameters and running statistics
  std::int64_t parameters = 0;
  std::int64_t bytes_sent = 0;  // by this replica over all attempts, for gradients and statistics
  std::int64_t macs = 0;        // multiply-adds of this replica's training steps
  std::vector<Rewind> rewinds;  // from losses that were not finite
};

struct RunOptions {
  std::filesystem::path folder;  // checkpoints/ goes below it; empty: no checkpoints
  bool resume = true;            // from the last good checkpoint, if there is one
  std::string data_dir;
  int stop_after_epoch = 0;  // saves and stops there, as if drained; 0: trains to the end
  int check_steps = 0;  // compare so many first steps of this process with the reference backend
  ReplicaProbe* probe = nullptr;  // null: none
};

/// Collective over `group`, whose shards are those of the spec. `drain_requested` is asked at every
/// step; when any replica says yes, all save and return a drained summary. Throws what the parts
/// throw: ConfigError, IoError, DataError, NotFiniteError, CommError.
RunSummary run_training(const spec::ExperimentSpec& spec, ReplicaGroup& group, Backend& backend,
                        const std::function<bool()>& drain_requested, RunListener& listener,
                        const RunOptions& options);

}  // namespace hadal::experiments

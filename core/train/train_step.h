// One training step on this replica: its shards forward and backward, gradients summed over all
// shards, running statistics and parameters moved on. The same bits for any number of replicas.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/data/loader.h"
#include "core/executor.h"
#include "core/model.h"
#include "core/optim/optimizer.h"
#include "core/train/not_finite.h"
#include "core/train/replica_group.h"
#include "core/train/step_times.h"

namespace hadal {

struct TrainStepOptions {
  std::uint64_t seed = 1;
  double running_momentum = 0.1;  // running = (1 - m) running + m * batch statistic
  int recompute_every = 0;
  bool fuse = true;
  bool stop_when_not_finite = true;
  StepTimes* times = nullptr;  // told of every phase; null: nobody is
};

inline constexpr int kMostToldShards = 64;

/// What a step did, over the whole global batch.
struct StepResult {
  double loss = 0.0;            // weighted mean
  double error = 0.0;           // fraction whose highest score is not the label
  double samples = 0.0;         // sum of weights
  bool drain = false;           // some replica wants to stop
  std::int64_t bytes_sent = 0;  // by this replica, gradients and statistics
  /// Sum over each logical shard, to say where two trainings part; empty for more shards than
  /// kMostToldShards.
  std::vector<double> shard_losses = {};
  std::int64_t macs = 0;  // multiply-adds of all shards of this replica, under this step's gates
};

class TrainStep {
 public:
  /// `model`, `parameters`, `backend` and `group` must outlive the step. `shard_batch` samples per
  /// logical shard.
  TrainStep(const Model& model, Parameters& parameters, Backend& backend, ReplicaGroup& group,
            std::int64_t shard_batch, const TrainStepOptions& options);

  const Executor& executor() const { return executor_; }
  void set_observer(StepObserver* observer) { executor_.set_observer(observer); }

  /// Runs global step `step` on the batches that `next_batch(shard)` gives for each shard of this
  /// replica, in order, and lets `optimizer` move the parameters at `learning_rate`. `wants_drain`
  /// is this replica's wish to stop; the result says whether any has it. Throws NotFiniteError, on
  /// every replica and before the parameters move, when the loss is NaN or infinite; the message
  /// names the image or the first layer that any replica found not finite, in the same words on any
  /// number of replicas.
  StepResult run(std::int64_t step, const std::function<const data::Batch&()>& next_batch,
                 Optimizer& optimizer, double learning_rate, bool wants_drain = false);

 private:
  int told_shards() const;
  void run_shard(std::int64_t step, const data::Batch& batch, const GateMask& gates,
                 std::span<double> metrics);
  void update_running(std::span<const std::uint8_t> active);
  void clear_gradients_of(std::span<const std::uint8_t> inactive_entries);
  void enter(Phase phase, StepPhase timed, std::string_view operation);
  void find_not_finite(const data::Batch& batch, std::span<const Feed> inputs, const StepInfo& info,
                       const GateMask& gates);
  [[noreturn]] void report_not_finite(std::int64_t step, double loss);

  const Model& model_;
  Parameters& parameters_;
  Backend& backend_;
  ReplicaGroup& group_;
  TrainStepOptions options_;
  Executor executor_;
  Tensor d_loss_;
  // Over the shards of this replica, in the step under way.
  std::optional<int> place_not_finite_;           // FirstNotFinite::place()
  std::optional<std::int64_t> image_not_finite_;  // the lowest index of such an image
};

/// Counts samples whose highest score (the first of equals) is not the label, each times its
/// weight.
double weighted_errors(const TensorView& scores, const TensorView& labels,
                       std::span<const float> weights);

}  // namespace hadal

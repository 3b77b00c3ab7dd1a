// A net in training on random images, for benchmarks of whole steps.
#pragma once

#include <memory>
#include <random>

#include <time.h>

#include "core/cpu/cpu_backend.h"
#include "core/train/train_step.h"

namespace hadal::bench {

inline double seconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Wall time and processor time of this thread, in seconds.
struct Time {
  double wall = 0, cpu = 0;
  static Time now() { return {seconds(CLOCK_MONOTONIC), seconds(CLOCK_THREAD_CPUTIME_ID)}; }
  friend Time operator-(Time a, Time b) { return {a.wall - b.wall, a.cpu - b.cpu}; }
  Time& operator+=(Time other) {
    wall += other.wall;
    cpu += other.cpu;
    return *this;
  }
};

inline data::Batch random_batch(const Model& model, std::int64_t size) {
  std::mt19937 generator(1);
  data::Batch batch;
  batch.images = Tensor(model.graph.shape(model.image).with_batch(size));
  for (float& value : batch.images.span<float>())
    value = std::normal_distribution<float>()(generator);
  batch.labels = Tensor(model.graph.shape(model.labels).with_batch(size), DType::kInt32);
  for (std::int32_t& label : batch.labels.span<std::int32_t>())
    label = static_cast<std::int32_t>(generator() % 10);
  batch.weights = Tensor({size});
  for (float& weight : batch.weights.span<float>()) weight = 1;
  batch.total_weight = static_cast<double>(size);
  return batch;
}

class Trainee {
 public:
  /// `shard_batch` images per rank and step; SGD with momentum and weight decay.
  Trainee(const Model& model, ReplicaGroup& group, std::int64_t shard_batch)
      : parameters_(model.graph),
        batch_(random_batch(model, shard_batch)),
        step_(model, parameters_, backend_, group, shard_batch, {}),
        optimizer_(
            make_optimizer(parameters_, {.kind = "sgd", .momentum = 0.9, .weight_decay = 1e-4})) {
    parameters_.initialize(1);
    batch_.total_weight *= group.logical_shards();
  }

  StepResult step(std::int64_t number) {
    return step_.run(
        number, [this]() -> const data::Batch& { return batch_; }, *optimizer_, 1e-3);
  }
  const Plan& plan() const { return step_.executor().plan(); }
  void observe(StepObserver* observer) { step_.set_observer(observer); }

 private:
  CpuBackend backend_;
  Parameters parameters_;
  data::Batch batch_;
  TrainStep step_;
  std::unique_ptr<Optimizer> optimizer_;
};

}  // namespace hadal::bench

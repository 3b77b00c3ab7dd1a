// The learning rate over time. A schedule is a pure function f of where the training stands; the
// rate is base_rate * f, or that of the warm-up while it lasts.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/tensor.h"

namespace hadal {

/// Where a training stands before a step: t = `step` steps taken of T = `total_steps`.
struct Progress {
  std::int64_t step = 0;
  std::int64_t steps_per_epoch = 1;
  std::int64_t total_steps = 1;

  double epoch() const { return static_cast<double>(step) / static_cast<double>(steps_per_epoch); }
  double fraction() const { return static_cast<double>(step) / static_cast<double>(total_steps); }
};

/// Kinds and their f; e is the epoch, fractions included.
///
///   constant     1
///   steps        factor^k, or factors[k - 1] where given, k the boundaries at or before t
///   polynomial   final + (1 - final) (1 - t/T)^power
///   inverse      (1 + gamma t)^-power                                Caffe's "inv"
///   time_decay   1 / (1 + gamma t)                                   Keras' "decay"
///   exponential  gamma^floor(t / every_steps), or gamma^floor(e / every_epochs) where that is set
///   cosine       final + (1 - final) (1 + cos(pi t/T)) / 2           Loshchilov & Hutter 2017
///   one_cycle    from `initial` straight up to 1 at up_fraction T, then by half a cosine down to
///                `final` at T                                        after Smith & Topin 2017
///   halving      factor^k, k the boundaries T (1 - 2^-i) at or before t, i = 1, 2, ... while T
///   2^-i
///                is at least shortest_epochs: one more whenever the remaining epochs halve
///                                                                    Larsson et al. 2017, 4.1
struct ScheduleOptions {
  std::string kind = "constant";
  // steps: ascending boundaries in one of three units.
  std::vector<double> at_epoch = {};
  std::vector<std::int64_t> at_step = {};
  std::vector<double> at_fraction = {};
  std::vector<double> factors = {};  // f after each boundary; empty: powers of `factor`
  double factor = 0.1;
  double power = 1.0;
  double gamma = 0.0;
  std::int64_t every_steps = 1;
  double every_epochs = 0.0;
  double final = 0.0;
  double initial = 0.04;
  double up_fraction = 0.3;
  double shortest_epochs = 1.0;
};

class Schedule {
 public:
  /// Throws ConfigError for an unknown kind or options that have no meaning.
  explicit Schedule(ScheduleOptions options);

  double factor(const Progress& progress) const { return formula_(options_, progress); }

 private:
  using Formula = double (*)(const ScheduleOptions&, const Progress&);

  ScheduleOptions options_;
  Formula formula_;
};

std::vector<std::string> schedule_names();

/// A smaller rate at the start. The schedule's t counts from the start all the same. Over after
/// `steps`, after `epochs`, or once the training error is below until_training_error, whichever of
/// those set (above 0) comes first; none set: no warm-up.
struct WarmUpOptions {
  std::int64_t steps = 0;
  double epochs = 0.0;
  // Percent, of the mean error over error_window steps. He et al. 2015, 4.2 say "until the training
  // error is below 80%" without saying of what; one batch of 128 scatters by 3.5 points, so we read
  // it as a mean.
  double until_training_error = 0.0;
  int error_window = 50;
  // Meanwhile; 0: rises straight, with the schedule's own rate times (t + 1) / length at step t.
  double learning_rate = 0.0;
};

/// The rate of every step: schedule and warm-up. Its only state is how far the training error has
/// come.
class LearningRate {
 public:
  /// Throws ConfigError for options that have no meaning together.
  LearningRate(double base_rate, ScheduleOptions schedule, const WarmUpOptions& warm_up = {});

  double at(const Progress& progress) const;

  /// Error of the batch just trained on, over all ranks, in percent. Call it after every step.
  void observe_training_error(double percent);

  /// What a checkpoint must hold: "warm_up", float64: over or not, sum and count of the window.
  std::vector<std::pair<std::string, TensorView>> state() const;

 private:
  bool warming_up(const Progress& progress) const;

  double base_rate_;
  Schedule schedule_;
  WarmUpOptions warm_up_;
  Tensor state_;
};

}  // namespace hadal

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/optim/schedule.h"

namespace hadal {
namespace {

// Elements of the state.
constexpr int kOver = 0, kErrorSum = 1, kErrorCount = 2, kStateSize = 3;

/// In steps; infinite when only the training error ends it.
double length_of(const WarmUpOptions& warm_up, const Progress& progress) {
  double length = std::numeric_limits<double>::infinity();
  if (warm_up.steps > 0) length = static_cast<double>(warm_up.steps);
  if (warm_up.epochs > 0)
    length = std::min(length, warm_up.epochs * static_cast<double>(progress.steps_per_epoch));
  return length;
}

}  // namespace

LearningRate::LearningRate(double base_rate, ScheduleOptions schedule, const WarmUpOptions& warm_up)
    : base_rate_(base_rate),
      schedule_(std::move(schedule)),
      warm_up_(warm_up),
      state_(Shape{kStateSize}, DType::kFloat64) {
  if (!(base_rate >= 0) || !std::isfinite(base_rate))
    throw ConfigError(fmt::format("learning rate is {}, wanted 0 or more", base_rate));
  const bool has_length = warm_up.steps > 0 || warm_up.epochs > 0;
  const bool has_end = has_length || warm_up.until_training_error > 0;
  if (warm_up.learning_rate > 0 && !has_end)
    throw ConfigError(
        fmt::format("warm-up at {} never ends, wanted steps, epochs or until_training_error",
                    warm_up.learning_rate));
  if (warm_up.until_training_error > 0 && !has_length && !(warm_up.learning_rate > 0))
    throw ConfigError(
        "warm-up until a training error has no length to rise over, wanted learning_rate, steps or "
        "epochs");
  if (warm_up.error_window < 1)
    throw ConfigError(
        fmt::format("warm-up: error_window is {}, wanted 1 or more", warm_up.error_window));
  if (!has_end) state_.as<double>()[kOver] = 1;
}

bool LearningRate::warming_up(const Progress& progress) const {
  return state_.as<double>()[kOver] == 0 &&
         static_cast<double>(progress.step) < length_of(warm_up_, progress);
}

double LearningRate::at(const Progress& progress) const {
  const double rate = base_rate_ * schedule_.factor(progress);
  if (!warming_up(progress)) return rate;
  if (warm_up_.learning_rate > 0) return warm_up_.learning_rate;
  return rate *
         std::min(1.0, static_cast<double>(progress.step + 1) / length_of(warm_up_, progress));
}

void LearningRate::observe_training_error(double percent) {
  double* state = state_.as<double>();
  if (state[kOver] != 0 || warm_up_.until_training_error <= 0) return;
  state[kErrorSum] += percent;
  state[kErrorCount] += 1;
  if (state[kErrorCount] < warm_up_.error_window) return;
  if (state[kErrorSum] / state[kErrorCount] < warm_up_.until_training_error) state[kOver] = 1;
  state[kErrorSum] = state[kErrorCount] = 0;
}

std::vector<std::pair<std::string, TensorView>> LearningRate::state() const {
  return {{"warm_up", state_.view()}};
}

}  // namespace hadal

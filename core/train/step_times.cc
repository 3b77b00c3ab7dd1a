#include "core/train/step_times.h"

#include <utility>

namespace hadal {
namespace {

constexpr std::array<std::string_view, kStepPhases> kNames = {
    "data", "forward", "backward", "exchange", "optimizer", "checkpoint"};

}  // namespace

std::string_view name_of(StepPhase phase) { return kNames[static_cast<std::size_t>(phase)]; }

void StepTimes::stop() {
  const double now = clock_.now_s();
  if (running_) seconds_[static_cast<std::size_t>(*running_)] += now - since_;
  since_ = now;
}

void StepTimes::enter(StepPhase phase) {
  stop();
  running_ = phase;
}

void StepTimes::leave() {
  stop();
  running_.reset();
}

PhaseSeconds StepTimes::take() {
  stop();
  return std::exchange(seconds_, {});
}

}  // namespace hadal

// Where the time of a replica's steps goes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/clock.h"

namespace hadal {

/// kExchange is what is waited for after backward is done; messages that move meanwhile cost
/// nothing and count nowhere. kCheckpoint is saving, and waiting for the replica that writes.
enum class StepPhase : std::uint8_t {
  kData,
  kForward,
  kBackward,
  kExchange,
  kOptimizer,
  kCheckpoint
};
inline constexpr std::size_t kStepPhases = 6;

/// "data", "forward", …
std::string_view name_of(StepPhase phase);

/// Seconds by StepPhase.
using PhaseSeconds = std::array<double, kStepPhases>;

/// A stop-watch with one hand per phase, of which one runs at a time.
class StepTimes {
 public:
  explicit StepTimes(const Clock& clock) : clock_(clock) {}

  /// Time belongs to `phase` from now on.
  void enter(StepPhase phase);
  /// Time belongs to no phase until the next enter().
  void leave();
  /// What has gathered since the last take(); starts again from zero.
  PhaseSeconds take();

 private:
  void stop();

  const Clock& clock_;
  std::optional<StepPhase> running_;
  double since_ = 0;
  PhaseSeconds seconds_{};
};

}  // namespace hadal

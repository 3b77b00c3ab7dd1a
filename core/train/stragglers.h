// Which host keeps the others waiting: from the times of all replicas over the same steps.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/train/step_times.h"

namespace hadal {

/// Seconds per step over the replicas of one host. Of an even number the median is the lower of
/// the two in the middle.
struct Spread {
  double min = 0, median = 0, max = 0;
};

struct HostTimes {
  std::string host;
  std::array<Spread, kStepPhases> phases{};
};

/// One entry per host, in the order in which `hosts` first names them. `seconds` over `steps` steps
/// and `hosts` by replica.
std::vector<HostTimes> times_by_host(std::span<const PhaseSeconds> seconds,
                                     std::span<const std::string> hosts, std::int64_t steps);

struct Straggler {
  int replica = 0;
  double times_slower = 1;             // than the median replica
  StepPhase phase = StepPhase::kData;  // where most of the excess lies
  double seconds = 0, median = 0;      // per step, in that phase
};

/// The replica whose own work (data, forward, backward, optimizer; not what it waits for) takes
/// longest, if that is more than 1.5 times the median of all replicas and cost at least a second
/// over these steps: with two replicas the median is the faster one.
std::optional<Straggler> find_straggler(std::span<const PhaseSeconds> seconds, std::int64_t steps);

/// "n2 (rank 3) is 1.8 times slower than the median rank over 50 steps: data takes 71.0 ms a step,
/// 22.2 ms there".
std::string describe(const Straggler& straggler, std::span<const std::string> hosts,
                     std::int64_t steps);

}  // namespace hadal

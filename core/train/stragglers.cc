#include "core/train/stragglers.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/error.h"

namespace hadal {
namespace {

constexpr double kSlower = 1.5;
constexpr double kWorthALine_s = 1.0;
constexpr std::array kOwnWork = {StepPhase::kData, StepPhase::kForward, StepPhase::kBackward,
                                 StepPhase::kOptimizer};

double at(const PhaseSeconds& seconds, StepPhase phase) {
  return seconds[static_cast<std::size_t>(phase)];
}

double own_work(const PhaseSeconds& seconds) {
  double sum = 0;
  for (const StepPhase phase : kOwnWork) sum += at(seconds, phase);
  return sum;
}

Spread spread_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {values.front(), values[(values.size() - 1) / 2], values.back()};
}

template <typename F>
std::vector<double> map(std::span<const PhaseSeconds> seconds, F value) {
  std::vector<double> values;
  for (const PhaseSeconds& of_replica : seconds) values.push_back(value(of_replica));
  return values;
}

}  // namespace

std::vector<HostTimes> times_by_host(std::span<const PhaseSeconds> seconds,
                                     std::span<const std::string> hosts, std::int64_t steps) {
  HADAL_CHECK(seconds.size() == hosts.size() && steps > 0);
  std::vector<HostTimes> result;
  for (const std::string& host : hosts) {
    if (std::any_of(result.begin(), result.end(), [&](const auto& t) { return t.host == host; }))
      continue;
    HostTimes& times = result.emplace_back(HostTimes{host});
    for (std::size_t phase = 0; phase < kStepPhases; ++phase) {
      std::vector<double> values;
      for (std::size_t replica = 0; replica < hosts.size(); ++replica)
        if (hosts[replica] == host)
          values.push_back(seconds[replica][phase] / static_cast<double>(steps));
      times.phases[phase] = spread_of(std::move(values));
    }
  }
  return result;
}

std::optional<Straggler> find_straggler(std::span<const PhaseSeconds> seconds, std::int64_t steps) {
  const std::vector<double> work = map(seconds, own_work);
  const auto slowest = std::max_element(work.begin(), work.end());
  const double median = spread_of(work).median;
  if (*slowest <= kSlower * median || *slowest - median < kWorthALine_s) return std::nullopt;
  Straggler straggler;
  straggler.replica = static_cast<int>(slowest - work.begin());
  straggler.times_slower = *slowest / median;
  double largest_excess = 0;
  for (const StepPhase phase : kOwnWork) {
    const double own = at(seconds[static_cast<std::size_t>(straggler.replica)], phase);
    const double usual =
        spread_of(map(seconds, [&](const PhaseSeconds& s) { return at(s, phase); })).median;
    if (own - usual <= largest_excess) continue;
    largest_excess = own - usual;
    straggler.phase = phase;
    straggler.seconds = own / static_cast<double>(steps);
    straggler.median = usual / static_cast<double>(steps);
  }
  return straggler;
}

std::string describe(const Straggler& straggler, std::span<const std::string> hosts,
                     std::int64_t steps) {
  return fmt::format(
      "{} (rank {}) is {:.1f} times slower than the median rank over {} steps: {} takes {:.1f} ms "
      "a step, {:.1f} ms there",
      hosts[static_cast<std::size_t>(straggler.replica)], straggler.replica, straggler.times_slower,
      steps, name_of(straggler.phase), 1000 * straggler.seconds, 1000 * straggler.median);
}

}  // namespace hadal

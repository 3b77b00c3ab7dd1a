#include "launcher/schedulers/packing.h"

#include <algorithm>

#include <fmt/format.h>

namespace hadal::launcher {

std::optional<std::string> PackingProbe::observe(const std::vector<PackedRun>& runs) {
  if (decided_) return std::nullopt;
  if (runs.empty() || runs[0].id != first_) {  // another run goes at another pace
    first_ = runs.empty() ? "" : runs[0].id;
    base_rate_.reset();
    began_.reset();
    last_step_ = 0;
  }
  const auto rate = rate_of_first(runs);
  if (!rate) return std::nullopt;
  if (!base_rate_ && static_cast<int>(company_) == limit_) base_rate_ = *rate;
  if (!base_rate_ || static_cast<int>(company_) != limit_ + 1) return std::nullopt;
  return conclude(*rate);
}

// Over a window in which the same number of runs were at work.
std::optional<double> PackingProbe::rate_of_first(const std::vector<PackedRun>& runs) {
  const bool all_at_work =
      !runs.empty() && std::ranges::all_of(runs, [](const PackedRun& run) { return run.step > 0; });
  if (!all_at_work || runs.size() != company_) began_.reset();
  company_ = runs.size();
  if (!all_at_work || runs[0].step == last_step_) return std::nullopt;
  // A window begins and ends when a step is told, not when somebody looks.
  const bool is_first_sight = last_step_ == 0;
  last_step_ = runs[0].step;
  if (is_first_sight) return std::nullopt;
  const Mark now{clock_.now_s(), runs[0].step};
  if (!began_) began_ = now;
  const double seconds = now.at - began_->at;
  const long long steps = now.step - began_->step;
  if (seconds < kWindow_s || steps < kSteps) return std::nullopt;
  began_ = now;
  return static_cast<double>(steps) / seconds;
}

std::string PackingProbe::conclude(double rate) {
  const int more = limit_ + 1;
  const double gain = more * rate / (limit_ * *base_rate_);
  const bool pays = gain > kWorthIt;
  if (pays) limit_ = more;
  decided_ = !pays || limit_ == kMost;
  base_rate_.reset();
  if (!decided_) base_rate_ = rate;
  return fmt::format(
      "{} runs at one place do {:.2f} times the work of {} ({:.3g} steps/s each): {}", more, gain,
      more - 1, rate,
      pays ? fmt::format("{} at a time{}", limit_, decided_ ? "" : ", trying one more")
           : fmt::format("{} at a time", limit_));
}

}  // namespace hadal::launcher

// Every run, in the order of the sweep, to its end.
#include <fmt/format.h>

#include "launcher/strategies/registry.h"

namespace hadal::launcher {
namespace {

class All final : public Strategy {
 public:
  bool needs_errors() const override { return false; }

  std::optional<Decision> next(const std::vector<PlannedRun>&,
                               const std::vector<Standing>& standing) override {
    // Runs are let go one after the other and never called back, so nothing before is looked at
    // again, unless people have put it back.
    for (std::size_t i = 0; i < standing.size(); ++i) {
      const Standing& run = standing[i];
      const bool stopped =
          run.state == Standing::State::kWaiting || run.state == Standing::State::kPaused;
      if (stopped && run.granted < kToTheEnd) return Decision{.run = i};
    }
    return std::nullopt;
  }

  std::string describe() const override { return "all runs to their end"; }
};

}  // namespace

std::unique_ptr<Strategy> make_all(const SweepPlan& plan, Candidates) {
  const StrategyOptions none("all", plan.strategy_options, {});
  return std::make_unique<All>();
}

}  // namespace hadal::launcher

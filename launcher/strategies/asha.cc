// Asynchronous successive halving.
//
// Every run is trained for `first` epochs. Whenever a run could be started, the highest rung is
// asked first: of the n runs that have come to it, the best floor(n / eta) go on to eta times as
// many epochs; only when none is to go on does a new run begin. Nothing waits for a rung to fill.
// A run that goes on resumes from its checkpoint, so those that reach the end have the bits of a
// training that was never stopped.
//
// Source: Li et al. 2020, "A system for massively parallel hyperparameter tuning", Algorithm 2.
// Runs that diverged count at the rung they did not reach, as its worst: they tell something of
// their settings. Runs that failed otherwise, or that people cancelled, do not count.
#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "launcher/strategies/registry.h"

namespace hadal::launcher {
namespace {

using State = Standing::State;

class Asha final : public Strategy {
 public:
  Asha(int first, int eta, int epochs) : eta_(eta), epochs_(epochs) {
    for (long long rung = first; rung < epochs; rung *= eta)
      rungs_.push_back(static_cast<int>(rung));
  }

  std::optional<Decision> next(const std::vector<PlannedRun>&,
                               const std::vector<Standing>& standing) override {
    for (std::size_t rung = rungs_.size(); rung-- > 0;)
      if (const auto promotion = promoted_from(rung, standing)) return promotion;
    for (std::size_t i = 0; i < standing.size(); ++i)
      if (standing[i].state == State::kWaiting && standing[i].granted == 0)
        return Decision{.run = i,
                        .epochs = rungs_.front(),
                        .why = fmt::format("to epoch {} of {}", rungs_.front(), epochs_)};
    return std::nullopt;
  }

  std::string describe() const override {
    std::vector<std::string> rungs;
    for (const int rung : rungs_) rungs.push_back(std::to_string(rung));
    return fmt::format("asha: pauses at epoch {} of {}, the best 1/{} go on by validation error",
                       join(rungs, ", "), epochs_, eta_);
  }

 private:
  struct Entry {
    double error;
    std::size_t run;
  };

  /// The runs that have come to the rung, best first; of equals the earlier one.
  std::vector<Entry> entries(std::size_t rung, const std::vector<Standing>& standing) const {
    std::vector<Entry> entries;
    for (std::size_t i = 0; i < standing.size(); ++i) {
      const Standing& run = standing[i];
      const auto error = run.validation_error.find(rungs_[rung]);
      if (error != run.validation_error.end() && std::isfinite(error->second))
        entries.push_back({error->second, i});
      else if (run.diverged && run.granted >= rungs_[rung])
        entries.push_back({std::numeric_limits<double>::infinity(), i});
    }
    std::ranges::stable_sort(entries, {}, &Entry::error);
    return entries;
  }

  std::optional<Decision> promoted_from(std::size_t rung,
                                        const std::vector<Standing>& standing) const {
    const std::vector<Entry> all = entries(rung, standing);
    const std::size_t best = all.size() / static_cast<std::size_t>(eta_);
    const bool last = rung + 1 == rungs_.size();
    for (std::size_t place = 0; place < best; ++place) {
      const Standing& run = standing[all[place].run];
      if (run.state != State::kPaused || run.granted > rungs_[rung]) continue;
      return Decision{.run = all[place].run,
                      .epochs = last ? kToTheEnd : rungs_[rung + 1],
                      .why = fmt::format(
                          "to epoch {} of {}: validation error {:.2f} % at epoch {} is number {} "
                          "of {}",
                          last ? epochs_ : rungs_[rung + 1], epochs_, all[place].error,
                          rungs_[rung], place + 1, all.size())};
    }
    return std::nullopt;
  }

  std::vector<int> rungs_;  // epochs at which runs pause, ascending
  int eta_, epochs_;
};

void require_fit(const SweepPlan& plan, int first, int eta) {
  if (plan.seeds > 1)
    throw ConfigError(fmt::format(
        "strategy asha: would choose among {} seeds of the same settings; give one seed, and "
        "repeat the best afterwards with several",
        plan.seeds));
  for (const PlannedRun& run : plan.runs) {
    const auto complain = [&](const std::string& what) {
      throw ConfigError(fmt::format("strategy asha: run {}: {}", run.name, what));
    };
    if (run.validated_every == 0)
      complain(
          "holds out no validation images, and the test images are not there to choose by; set "
          "data.validation_images");
    if (run.epochs == 0) complain("its length is given in steps; give it in epochs");
    if (run.epochs != plan.runs[0].epochs)
      complain(fmt::format("{} epochs, others have {}; give all the same", run.epochs,
                           plan.runs[0].epochs));
    if (first >= run.epochs)
      complain(fmt::format("first={} leaves nothing to choose in {} epochs", first, run.epochs));
    for (long long rung = first; rung < run.epochs; rung *= eta)
      if (rung % run.validated_every != 0)
        complain(fmt::format("pauses at epoch {}, but is validated every {} epochs only", rung,
                             run.validated_every));
  }
}

}  // namespace

std::unique_ptr<Strategy> make_asha(const SweepPlan& plan, Candidates) {
  const StrategyOptions options("asha", plan.strategy_options, {{"first", "1"}, {"eta", "3"}});
  const int first = options.integer("first", 1), eta = options.integer("eta", 2);
  require_fit(plan, first, eta);
  return std::make_unique<Asha>(first, eta, plan.runs.at(0).epochs);
}

}  // namespace hadal::launcher

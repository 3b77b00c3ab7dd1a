// Surrogate-guided search: the first draws of the random axes at random, every further one where a
// model of the validation errors so far expects most of an improvement (proposal.h).
//
// A proposal is the number of a draw, so that the run it makes is the one that the sweep file gives
// for that number. It depends on sample_seed and on which runs have ended with what; with
// parallel=1 that is the same every time.
#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "launcher/strategies/proposal.h"
#include "launcher/strategies/registry.h"

namespace hadal::launcher {
namespace {

using State = Standing::State;

// Draws between the candidates of one proposal and those of the next.
constexpr std::uint64_t kStride = 100'000;

class Search final : public Strategy {
 public:
  Search(const SweepPlan& plan, const StrategyOptions& options, Candidates candidates)
      : samples_(static_cast<std::size_t>(plan.samples)),
        seed_(plan.sample_seed),
        first_(options.integer("first", 2)),
        count_(static_cast<std::uint64_t>(options.integer("candidates", 1))),
        parallel_(options.integer("parallel", 1)),
        candidates_(std::move(candidates)) {}

  std::optional<Decision> next(const std::vector<PlannedRun>& planned,
                               const std::vector<Standing>& standing) override {
    int under_way = 0;
    for (const Standing& run : standing) under_way += run.state == State::kUnderWay;
    if (under_way >= parallel_) return std::nullopt;
    for (std::size_t i = 0; i < standing.size(); ++i) {
      const State state = standing[i].state;
      if (state == State::kWaiting || state == State::kPaused) return Decision{.run = i};
    }
    if (planned.size() >= samples_) return std::nullopt;
    return choose(planned, standing);
  }

  std::string describe() const override {
    return fmt::format(
        "search: {} draws at random, {} where most improvement is expected; {} at "
        "a time",
        std::min<std::size_t>(samples_, static_cast<std::size_t>(first_)),
        samples_ - std::min<std::size_t>(samples_, static_cast<std::size_t>(first_)), parallel_);
  }

 private:
  std::optional<Decision> choose(const std::vector<PlannedRun>& planned,
                                 const std::vector<Standing>& standing) {
    std::vector<Candidate> candidates = fresh_candidates(planned);
    if (candidates.empty()) return std::nullopt;  // every combination there is has been run
    const std::vector<Observation> observed = observations(planned, standing);
    if (observed.size() < 2)
      return Decision{.draw = candidates[0].draw, .why = "at random: fewer than two results"};
    std::vector<std::vector<double>> points, pending;
    for (const Candidate& candidate : candidates) points.push_back(candidate.coordinates);
    for (std::size_t i = 0; i < standing.size(); ++i)
      if (standing[i].state == State::kUnderWay) pending.push_back(planned[i].coordinates);
    const Proposal proposal =
        propose(observed, pending, points, hash64(fmt::format("{} {}", seed_, planned.size())));
    return Decision{
        .draw = candidates[proposal.candidate].draw,
        .why = fmt::format("validation error {:.2f} ± {:.2f} % expected, an improvement of {:.3f} "
                           "on average, the most of {} draws; from {} results, {} under way",
                           proposal.predicted.mean, std::sqrt(proposal.predicted.variance),
                           proposal.expected_improvement, candidates.size(), observed.size(),
                           pending.size())};
  }

  // Only those that differ from all runs there are.
  std::vector<Candidate> fresh_candidates(const std::vector<PlannedRun>& planned) const {
    std::set<std::vector<double>> known;
    for (const PlannedRun& run : planned) known.insert(run.coordinates);
    std::vector<Candidate> fresh;
    const std::uint64_t begin = planned.size() * kStride;
    for (std::uint64_t at = begin; at < begin + kStride && fresh.empty(); at += count_)
      for (Candidate& candidate : candidates_(at, count_))
        if (!known.contains(candidate.coordinates)) fresh.push_back(std::move(candidate));
    return fresh;
  }

  // What diverged counts as the worst that was seen.
  static std::vector<Observation> observations(const std::vector<PlannedRun>& planned,
                                               const std::vector<Standing>& standing) {
    std::vector<Observation> observed;
    double worst = 0;
    for (std::size_t i = 0; i < standing.size(); ++i) {
      if (standing[i].state != State::kFinished || standing[i].validation_error.empty()) continue;
      const double error = standing[i].validation_error.rbegin()->second;
      if (!std::isfinite(error)) continue;
      observed.push_back({planned[i].coordinates, error});
      worst = std::max(worst, error);
    }
    if (observed.empty()) return observed;
    for (std::size_t i = 0; i < standing.size(); ++i)
      if (standing[i].state == State::kFailed && standing[i].diverged)
        observed.push_back({planned[i].coordinates, worst});
    return observed;
  }

  std::size_t samples_;
  std::uint64_t seed_;
  int first_;
  std::uint64_t count_;
  int parallel_;
  Candidates candidates_;
};

StrategyOptions options_of(const std::map<std::string, std::string>& given) {
  return {"search", given, {{"first", "10"}, {"candidates", "2000"}, {"parallel", "4"}}};
}

void require_fit(const SweepPlan& plan) {
  if (plan.samples == 0)
    throw ConfigError(
        "strategy search: has nothing to choose; give random axes, and samples: how many draws");
  if (plan.varies_besides_draws)
    throw ConfigError(
        "strategy search: draws every run itself; keep one row, and make axes random { kind: "
        "choice }");
  if (plan.seeds > 1)
    throw ConfigError(
        fmt::format("strategy search: would choose among {} seeds of the same settings; give one "
                    "seed, and repeat the best afterwards with several",
                    plan.seeds));
  for (const PlannedRun& run : plan.runs)
    if (run.validated_every == 0)
      throw ConfigError(
          fmt::format("strategy search: run {}: holds out no validation images, and the test "
                      "images are not there to choose by; set data.validation_images",
                      run.name));
}

}  // namespace

int first_draws_of_search(const std::map<std::string, std::string>& options, int samples) {
  return std::min(samples, options_of(options).integer("first", 2));
}

std::unique_ptr<Strategy> make_search(const SweepPlan& plan, Candidates candidates) {
  require_fit(plan);
  return std::make_unique<Search>(plan, options_of(plan.strategy_options), std::move(candidates));
}

}  // namespace hadal::launcher

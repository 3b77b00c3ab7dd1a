#include "launcher/strategies/proposal.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/error.h"
#include "launcher/strategies/expected_improvement.h"
#include "launcher/strategies/learned_features.h"

namespace hadal::launcher {
namespace {

// To mean 0 and deviation 1.
struct Scale {
  double mean = 0, deviation = 1;

  explicit Scale(const std::vector<Observation>& observed) {
    const auto n = static_cast<double>(observed.size());
    for (const Observation& o : observed) mean += o.value / n;
    double square = 0;
    for (const Observation& o : observed) square += (o.value - mean) * (o.value - mean) / n;
    if (square > 0) deviation = std::sqrt(square);
  }
  double in(double value) const { return (value - mean) / deviation; }
  double out(double scaled) const { return scaled * deviation + mean; }
};

}  // namespace

Proposal propose(const std::vector<Observation>& observed,
                 const std::vector<std::vector<double>>& pending,
                 const std::vector<std::vector<double>>& candidates, std::uint64_t seed) {
  HADAL_CHECK(observed.size() >= 2 && !candidates.empty());
  const Scale scale(observed);
  std::vector<std::vector<double>> points;
  std::vector<double> targets;
  for (const Observation& o : observed) {
    points.push_back(o.point);
    targets.push_back(scale.in(o.value));
  }
  const LearnedFeatures features(points, targets, seed);
  BayesianLinear model(features.of(points), targets);

  for (const auto& point : pending) {
    points.push_back(point);
    targets.push_back(model.predict(features.of(point)).mean);
  }
  if (!pending.empty())
    model = BayesianLinear(features.of(points), targets, model.alpha(), model.beta());
  double lowest = std::numeric_limits<double>::infinity();
  for (const auto& point : points)
    lowest = std::min(lowest, model.predict(features.of(point)).mean);

  Proposal best{.expected_improvement = -1};
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (std::ranges::find(pending, candidates[i]) != pending.end()) continue;
    const Normal predicted = model.predict(features.of(candidates[i]));
    const double improvement = expected_improvement(predicted, lowest);
    if (improvement > best.expected_improvement) best = {i, predicted, improvement};
  }
  best.expected_improvement *= scale.deviation;
  best.predicted = {scale.out(best.predicted.mean),
                    best.predicted.variance * scale.deviation * scale.deviation};
  return best;
}

}  // namespace hadal::launcher

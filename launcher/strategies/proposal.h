// Where to look next for a minimum, from noisy results at some points.
#pragma once

#include <cstdint>
#include <vector>

#include "launcher/strategies/bayesian_linear.h"

namespace hadal::launcher {

struct Observation {
  std::vector<double> point;  // coordinates in [0, 1]
  double value = 0;
};

struct Proposal {
  std::size_t candidate = 0;
  Normal predicted = {};  // in the units of the values
  double expected_improvement = 0;
};

/// The candidate, none of those pending, of the largest expected improvement below the lowest value
/// that the model expects at any point observed or pending (a value itself may owe it to noise).
/// The model is a Bayesian linear regression on features learned from the observations. What is
/// pending counts as though it had come out as expected, so that the next proposal goes elsewhere.
///
/// REQUIRES: at least two observations and one candidate. A pure function of its arguments.
/// Source: Snoek et al. 2015 for the model; Ginsbourger et al. 2010 ("kriging believer") for what
/// is pending.
Proposal propose(const std::vector<Observation>& observed,
                 const std::vector<std::vector<double>>& pending,
                 const std::vector<std::vector<double>>& candidates, std::uint64_t seed);

}  // namespace hadal::launcher

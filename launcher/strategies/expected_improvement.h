#pragma once

#include "launcher/strategies/bayesian_linear.h"

namespace hadal::launcher {

/// By how much, on average, a value drawn from `predicted` is below `best`:
///
///   EI = E[max(best - f, 0)] = s (z Phi(z) + phi(z)),  z = (best - mean) / s
///
/// Phi and phi: the standard normal distribution and its density; max(best - mean, 0) where s = 0.
/// Source: Snoek et al. 2015, equation 2, for a minimum.
double expected_improvement(const Normal& predicted, double best);

}  // namespace hadal::launcher

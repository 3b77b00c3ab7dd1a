#include "launcher/strategies/expected_improvement.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hadal::launcher {

double expected_improvement(const Normal& predicted, double best) {
  const double s = std::sqrt(std::max(predicted.variance, 0.0));
  if (s == 0) return std::max(best - predicted.mean, 0.0);
  const double z = (best - predicted.mean) / s;
  const double below = 0.5 * std::erfc(-z / std::numbers::sqrt2);
  const double density = std::exp(-0.5 * z * z) / std::sqrt(2 * std::numbers::pi);
  return s * (z * below + density);
}

}  // namespace hadal::launcher

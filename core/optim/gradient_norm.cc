#include <array>
#include <cmath>
#include <numeric>

#include "core/optim/optimizer.h"

namespace hadal {
namespace {

// Partial sums that can be added side by side; their number is part of the result.
constexpr std::int64_t kLanes = 8;

template <typename T>
double sum_of_squares(const T* g, std::int64_t count) {
  std::array<double, kLanes> lanes{};
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (std::int64_t lane = 0; lane < kLanes; ++lane) {
      const double value = g[i + lane];
      lanes[lane] += value * value;
    }
  for (; i < count; ++i) lanes[i % kLanes] += static_cast<double>(g[i]) * g[i];
  return std::accumulate(lanes.begin(), lanes.end(), 0.0);
}

}  // namespace

double gradient_norm(const Parameters& parameters) {
  double sum = 0;
  const HostView gradients(parameters.gradients());
  for (const Parameters::Entry& entry : parameters.entries()) {
    if (!entry.spec.trainable) continue;
    sum += parameters.type() == DType::kFloat64
               ? sum_of_squares(gradients.as<double>() + entry.offset, entry.elements)
               : sum_of_squares(gradients.as<float>() + entry.offset, entry.elements);
  }
  return std::sqrt(sum);
}

}  // namespace hadal

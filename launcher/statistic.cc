#include "launcher/statistic.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <boost/math/distributions/students_t.hpp>

namespace hadal::launcher {
namespace {

double median_of(const std::vector<double>& sorted) {
  const std::size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

double deviation_of(const std::vector<double>& values, double mean) {
  double sum = 0;
  for (const double value : values) sum += (value - mean) * (value - mean);
  return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

}  // namespace

double student_half_width(double deviation, int n, double level) {
  const boost::math::students_t distribution(n - 1);
  return boost::math::quantile(distribution, (1 + level) / 2) * deviation / std::sqrt(n);
}

std::optional<double> Statistic::confidence(double level) const {
  if (!deviation) return std::nullopt;
  return student_half_width(*deviation, n, level);
}

std::optional<Statistic> summarize(std::vector<double> values) {
  if (values.empty()) return std::nullopt;
  const int n = static_cast<int>(values.size());
  if (!std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); })) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    return Statistic{.n = n, .mean = nan, .median = nan, .minimum = nan, .maximum = nan};
  }
  std::sort(values.begin(), values.end());
  Statistic s{.n = n,
              .mean = std::accumulate(values.begin(), values.end(), 0.0) / n,
              .median = median_of(values),
              .minimum = values.front(),
              .maximum = values.back()};
  if (n > 1) s.deviation = deviation_of(values, s.mean);
  return s;
}

}  // namespace hadal::launcher

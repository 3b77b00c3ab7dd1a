// What several values of one quantity come to.
#pragma once

#include <optional>
#include <vector>

namespace hadal::launcher {

/// Over n values x:
///
///   mean      = sum x / n
///   deviation = sqrt(sum (x - mean)^2 / (n - 1)), none for n = 1
///   median    = the middle value, of two the mean
struct Statistic {
  int n = 0;
  double mean = 0;
  std::optional<double> deviation = {};
  double median = 0;
  double minimum = 0, maximum = 0;

  /// t((1 + level) / 2, n - 1) deviation / sqrt(n): the mean lies within +- this of the true one in
  /// `level` of the cases if the values are normal (Student). None for n = 1. `level` in (0, 1).
  std::optional<double> confidence(double level = 0.95) const;
};

/// The half width of the same interval for any mean of n values with this deviation.
double student_half_width(double deviation, int n, double level);

/// None without values. One value that is not finite makes all of it NaN, rather than being left
/// out.
std::optional<Statistic> summarize(std::vector<double> values);

}  // namespace hadal::launcher

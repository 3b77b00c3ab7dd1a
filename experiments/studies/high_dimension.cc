#include "experiments/studies/high_dimension.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/random.h"

namespace hadal::studies {
namespace {

constexpr int kMost = 1'000'000;
constexpr double kFar = 0.1;

struct Pair {
  double cosine = 0, product = 0;
};

Pair draw_pair(std::uint64_t seed, int n, int number) {
  const random::Stream stream{seed, random::Purpose::kHighDimension, static_cast<std::uint64_t>(n),
                              static_cast<std::uint64_t>(number)};
  double xy = 0, xx = 0, yy = 0;
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(n); ++i) {
    const double x = random::normal(stream, 2 * i), y = random::normal(stream, 2 * i + 1);
    xy += x * y;
    xx += x * x;
    yy += y * y;
  }
  return {xy / std::sqrt(xx * yy), xy};
}

HighDimensionRow measure(int n, const HighDimensionOptions& options) {
  HighDimensionRow row{.dimension = n};
  std::vector<double> cosines;
  for (int p = 0; p < options.pairs; ++p) {
    const Pair pair = draw_pair(options.seed, n, p);
    cosines.push_back(pair.cosine);
    row.cosine_deviation += pair.cosine * pair.cosine;
    row.product_deviation += pair.product * pair.product;
    row.angle_degrees +=
        std::abs(std::acos(std::clamp(pair.cosine, -1.0, 1.0)) * 180 / std::numbers::pi - 90);
    row.far_share += std::abs(pair.cosine) >= kFar;
  }
  const double pairs = options.pairs;
  row.cosine_deviation = std::sqrt(row.cosine_deviation / pairs);
  row.product_deviation = std::sqrt(row.product_deviation / pairs);
  row.angle_degrees /= pairs;
  row.far_share /= pairs;
  row.far_bound = std::min(1.0, 2 * std::exp(-n * kFar * kFar / 2));
  std::sort(cosines.begin(), cosines.end());
  row.cosine_low = cosines[cosines.size() / 20];
  row.cosine_high = cosines[cosines.size() - 1 - cosines.size() / 20];
  return row;
}

}  // namespace

std::vector<HighDimensionRow> measure_high_dimension(const HighDimensionOptions& options) {
  if (options.pairs < 2 || options.pairs > kMost)
    throw ConfigError(
        fmt::format("high dimension: {} pairs, wanted 2 to {}", options.pairs, kMost));
  for (const int n : options.dimensions)
    if (n < 1 || n > kMost)
      throw ConfigError(fmt::format("high dimension: dimension {}, wanted 1 to {}", n, kMost));
  std::vector<HighDimensionRow> rows;
  for (const int n : options.dimensions) rows.push_back(measure(n, options));
  return rows;
}

}  // namespace hadal::studies

#include "experiments/studies/eigenfaces/roughness.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "core/base/error.h"
#include "experiments/studies/eigenfaces/face_correlation.h"

namespace hadal::eigenfaces {
namespace {

Roughness roughness(std::int64_t n, std::int64_t sum, std::int64_t squares, std::int64_t across,
                    std::int64_t down) {
  const auto variation = static_cast<double>(n * squares - sum * sum) / static_cast<double>(n);
  if (variation <= 0) return {};
  return {static_cast<double>(across) / variation, static_cast<double>(down) / variation};
}

// The sums of value(y, x) over windows of height x width that begin at [0, rows) x [0, columns).
template <typename Value>
std::vector<std::int64_t> window_sums(int rows, int columns, int height, int width,
                                      const Value& value) {
  std::vector<std::int64_t> sums;
  std::vector<std::int64_t> below(static_cast<std::size_t>(columns + width - 1));
  const auto add_row = [&](int y, int sign) {
    for (std::size_t x = 0; x < below.size(); ++x) below[x] += sign * value(y, static_cast<int>(x));
  };
  for (int y = 0; y < height - 1; ++y) add_row(y, 1);
  for (int y = 0; y < rows; ++y) {
    add_row(y + height - 1, 1);
    std::int64_t sum = 0;
    for (int x = 0; x < width - 1; ++x) sum += below[static_cast<std::size_t>(x)];
    for (int x = 0; x < columns; ++x) {
      sum += below[static_cast<std::size_t>(x + width - 1)];
      sums.push_back(sum);
      sum -= below[static_cast<std::size_t>(x)];
    }
    add_row(y, -1);
  }
  return sums;
}

// The share `beyond` of values lies below the first and above the second.
std::pair<double, double> bounds(std::vector<double> values, double beyond) {
  std::ranges::sort(values);
  const auto outside = static_cast<std::size_t>(beyond * static_cast<double>(values.size()));
  return {values[outside], values[values.size() - 1 - outside]};
}

}  // namespace

Roughness roughness_of(std::span<const std::uint8_t> window, int height, int width) {
  const image::Image picture{
      .height = height, .width = width, .channels = 1, .pixels = {window.begin(), window.end()}};
  return roughness_map(picture, height, width).front();
}

std::vector<Roughness> roughness_map(const image::Image& picture, int height, int width) {
  const PictureSize at = windows_of(picture, height, width);
  const auto pixel = [&](int y, int x) -> int {
    return picture.pixels[static_cast<std::size_t>(y) * static_cast<std::size_t>(picture.width) +
                          static_cast<std::size_t>(x)];
  };
  const auto square = [](int value) { return value * value; };
  const auto sum = window_sums(at.height, at.width, height, width, pixel);
  const auto squares = window_sums(at.height, at.width, height, width,
                                   [&](int y, int x) { return square(pixel(y, x)); });
  const auto across = window_sums(at.height, at.width, height, width - 1, [&](int y, int x) {
    return square(pixel(y, x + 1) - pixel(y, x));
  });
  const auto down = window_sums(at.height, at.width, height - 1, width, [&](int y, int x) {
    return square(pixel(y + 1, x) - pixel(y, x));
  });
  std::vector<Roughness> map;
  for (std::size_t i = 0; i < sum.size(); ++i)
    map.push_back(roughness(std::int64_t{height} * width, sum[i], squares[i], across[i], down[i]));
  return map;
}

bool RoughnessRange::contains(const Roughness& r) const {
  // Not r.across / r.down, which may be 0 / 0.
  return low.across <= r.across && r.across <= high.across && low.down <= r.down &&
         r.down <= high.down && low_ratio * r.down <= r.across && r.across <= high_ratio * r.down;
}

RoughnessRange roughness_range(const Pictures& faces, double beyond) {
  if (faces.count() == 0) throw DataError("roughness of faces: no pictures");
  std::vector<double> across, down, ratio;
  for (std::int64_t i = 0; i < faces.count(); ++i) {
    const Roughness r = roughness_of(faces.picture(i), faces.height, faces.width);
    across.push_back(r.across);
    down.push_back(r.down);
    if (r.down > 0) ratio.push_back(r.across / r.down);
  }
  RoughnessRange range;
  std::tie(range.low.across, range.high.across) = bounds(across, beyond);
  std::tie(range.low.down, range.high.down) = bounds(down, beyond);
  if (!ratio.empty()) std::tie(range.low_ratio, range.high_ratio) = bounds(ratio, beyond);
  return range;
}

}  // namespace hadal::eigenfaces

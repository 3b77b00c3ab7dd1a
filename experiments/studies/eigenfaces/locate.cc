#include "experiments/studies/eigenfaces/locate.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/image/resize.h"
#include "experiments/studies/eigenfaces/roughness.h"

namespace hadal::eigenfaces {
namespace {

std::vector<PictureSize> all_levels(const Model& model, const LocateOptions& options,
                                    std::span<const PictureSize> pictures) {
  std::vector<PictureSize> sizes;
  for (const PictureSize& picture : pictures)
    for (const Level& level : pyramid_levels(picture, model.height, model.width, options.pyramid))
      sizes.push_back(level.size);
  return sizes;
}

// Values of the map that may be a face's, infinite elsewhere.
std::vector<double> candidates(const FaceMap& map, const std::vector<Roughness>& roughness,
                               const Model& model, const LocateOptions& options) {
  std::vector<double> values;
  for (std::size_t i = 0; i < map.distance.size(); ++i) {
    const bool face_like =
        map.deviation[i] >= options.least_deviation &&
        (roughness.empty() || model.calibration->roughness.contains(roughness[i]));
    // Rounding may make what is nearly 0 negative.
    values.push_back(face_like ? std::sqrt(std::max(0.0, double{map.distance[i]}))
                               : std::numeric_limits<double>::infinity());
  }
  return values;
}

// No neighbour of eight is less, and none before it is equal.
bool is_least_around(const FaceMap& map, const std::vector<double>& values, int y, int x) {
  const double value = values[map.at(y, x)];
  for (int v = std::max(y - 1, 0); v <= std::min(y + 1, map.height - 1); ++v)
    for (int u = std::max(x - 1, 0); u <= std::min(x + 1, map.width - 1); ++u) {
      const double other = values[map.at(v, u)];
      const bool before = v < y || (v == y && u < x);
      if (other < value || (before && other == value)) return false;
    }
  return true;
}

// Lowers the pixels around each window's centre to its value.
void lower(const FaceMap& map, const std::vector<double>& values, const Level& level,
           const Model& model, PictureSize picture, std::vector<double>& lowest) {
  const double across = static_cast<double>(picture.width) / level.size.width;
  const double down = static_cast<double>(picture.height) / level.size.height;
  for (int y = 0; y < picture.height; ++y) {
    const int v = static_cast<int>(std::floor(y / down)) - model.height / 2;
    if (v < 0 || v >= map.height) continue;
    for (int x = 0; x < picture.width; ++x) {
      const int u = static_cast<int>(std::floor(x / across)) - model.width / 2;
      if (u < 0 || u >= map.width) continue;
      double& pixel = lowest[static_cast<std::size_t>(y) * static_cast<std::size_t>(picture.width) +
                             static_cast<std::size_t>(x)];
      const double value = values[map.at(v, u)];
      if (std::isfinite(value) && !(pixel <= value)) pixel = value;
    }
  }
}

}  // namespace

FaceLocator::FaceLocator(const Model& model, const LocateOptions& options,
                         std::span<const PictureSize> expected)
    : model_(model),
      options_(options),
      mapper_(model, options.distance, all_levels(model, options, expected)) {}

Located FaceLocator::locate(const image::Image& picture) const {
  const image::Image grey = image::to_grey(picture);
  const PictureSize size{.height = grey.height, .width = grey.width};
  Located located;
  located.map.assign(static_cast<std::size_t>(size.height) * static_cast<std::size_t>(size.width),
                     std::numeric_limits<double>::quiet_NaN());
  std::vector<Detection> detections;
  for (const Level& level : pyramid_levels(size, model_.height, model_.width, options_.pyramid)) {
    const image::Image smaller = image::resize(grey, level.size.height, level.size.width);
    const FaceMap map = mapper_.map(smaller);
    const bool check = options_.check_roughness && model_.calibration.has_value();
    const auto roughness =
        check ? roughness_map(smaller, model_.height, model_.width) : std::vector<Roughness>{};
    const std::vector<double> values = candidates(map, roughness, model_, options_);
    lower(map, values, level, model_, size, located.map);
    const double across = static_cast<double>(size.width) / level.size.width;
    const double down = static_cast<double>(size.height) / level.size.height;
    for (int y = 0; y < map.height; ++y)
      for (int x = 0; x < map.width; ++x) {
        const double value = values[map.at(y, x)];
        if (!std::isfinite(value) || value > options_.threshold ||
            !is_least_around(map, values, y, x))
          continue;
        detections.push_back({.box = {.left = x * across,
                                      .top = y * down,
                                      .width = model_.width * across,
                                      .height = model_.height * down},
                              .distance = value});
      }
  }
  located.faces = suppressed(std::move(detections), options_.overlap);
  if (located.faces.size() > static_cast<std::size_t>(options_.most))
    located.faces.resize(static_cast<std::size_t>(options_.most));
  return located;
}

double threshold_for(std::span<const Located> without_faces, double false_alarms) {
  HADAL_CHECK(!without_faces.empty());
  std::vector<double> distances;
  for (const Located& located : without_faces)
    for (const Detection& detection : located.faces) distances.push_back(detection.distance);
  std::ranges::sort(distances);
  const auto allowed = static_cast<std::size_t>(std::max(0.0, false_alarms) *
                                                static_cast<double>(without_faces.size()));
  if (allowed >= distances.size()) return std::numeric_limits<double>::infinity();
  if (allowed == 0) return std::nextafter(distances.front(), 0);
  return (distances[allowed - 1] + distances[allowed]) / 2;
}

}  // namespace hadal::eigenfaces

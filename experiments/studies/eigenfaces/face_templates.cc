#include "experiments/studies/eigenfaces/face_templates.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "core/base/error.h"
#include "core/base/strings.h"

namespace hadal::eigenfaces {
namespace {

const std::array<std::string, 3> kNames = {"face-space", "likelihood", "mean-face"};

double dot(std::span<const float> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

void append(std::span<const double> values, bool sum_to_zero, double scale,
            std::vector<float>& to) {
  const double mean = sum_to_zero ? std::accumulate(values.begin(), values.end(), 0.0) /
                                        static_cast<double>(values.size())
                                  : 0.0;
  for (const double value : values) to.push_back(static_cast<float>(scale * (value - mean)));
}

}  // namespace

std::string name_of(MapDistance distance) { return kNames[static_cast<std::size_t>(distance)]; }

MapDistance map_distance_of(const std::string& name) {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == name) return static_cast<MapDistance>(i);
  throw ConfigError(unknown_name("distance", name, kNames));
}

double gain(const Model& model, MapDistance distance, int i) {
  switch (distance) {
    case MapDistance::kFaceSpace:
      return 1;
    case MapDistance::kMeanFace:
      return 0;
    default:
      // Rounding may leave the last eigenvalue kept below the mean of those left out.
      return std::max(
          0.0, 1 - model.residual_variance() / model.eigenvalues[static_cast<std::size_t>(i)]);
  }
}

FaceTemplates face_templates(const Model& model, MapDistance distance) {
  if (distance == MapDistance::kLikelihood && model.residual_variance() <= 0)
    throw ConfigError(
        "the likelihood needs variance beside the eigenfaces, and this model keeps every "
        "component; train with --components, or take --distance face-space");
  const bool sum_to_zero = model.lighting == Lighting::kNormalised;
  FaceTemplates result{.height = model.height, .width = model.width, .lighting = model.lighting};
  std::vector<double> linear(model.mean.begin(), model.mean.end());
  for (double& value : linear) value -= kGrey;
  const std::vector<double> shifted_mean = linear;
  result.constant =
      std::inner_product(shifted_mean.begin(), shifted_mean.end(), shifted_mean.begin(), 0.0);
  const int components = distance == MapDistance::kMeanFace ? 0 : model.k();
  for (int i = 0; i < components; ++i) {
    const std::span<const float> u = model.eigenface(i);
    const double g = gain(model, distance, i), a = dot(u, shifted_mean);
    for (std::size_t j = 0; j < linear.size(); ++j) linear[j] -= g * a * u[j];
    result.constant -= g * a * a;
    append(std::vector<double>(u.begin(), u.end()), sum_to_zero, std::sqrt(g), result.squared);
  }
  append(linear, sum_to_zero, 1, result.linear);
  return result;
}

}  // namespace hadal::eigenfaces

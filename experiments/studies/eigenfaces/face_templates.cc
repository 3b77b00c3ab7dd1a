#include "experiments/studies/eigenfaces/face_templates.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "core/base/error.h"
#include "core/base/strings.h"

namespace hadal::eigenfaces {
namespace {

const std::array<std::string, 4> kNames = {"face-space", "likelihood", "balanced", "mean-face"};

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

QuadraticForm quadratic_form(const Model& model, MapDistance distance) {
  QuadraticForm form;
  if (distance == MapDistance::kMeanFace) return form;
  double in_space = 0;  // what a unit of sum w_k^2 / lambda_k adds to the bracket
  if (distance == MapDistance::kLikelihood) {
    in_space = model.residual_variance();
    if (in_space <= 0)
      throw ConfigError(
          "the likelihood needs variance beside the eigenfaces, and this model keeps every "
          "component; train with --components, or take another --distance");
    form.unit = 1 / in_space;
  } else if (distance == MapDistance::kBalanced) {
    if (!model.calibration)
      throw ConfigError(
          "the balanced distance needs a calibrated model, and this one has pictures of too few "
          "people; take another --distance");
    const FaceDistance& mean = model.calibration->held_out_mean;
    in_space = mean.from_squared / mean.in_squared;
    form.unit = 1 / (2 * mean.from_squared);
  }
  for (const double lambda : model.eigenvalues) form.gains.push_back(1 - in_space / lambda);
  return form;
}

FaceTemplates face_templates(const Model& model, MapDistance distance) {
  const QuadraticForm form = quadratic_form(model, distance);
  const bool sum_to_zero = model.lighting == Lighting::kNormalised;
  FaceTemplates result{.height = model.height, .width = model.width, .lighting = model.lighting};
  std::vector<double> linear(model.mean.begin(), model.mean.end());
  for (double& value : linear) value -= kGrey;
  const std::vector<double> shifted_mean = linear;
  result.constant =
      std::inner_product(shifted_mean.begin(), shifted_mean.end(), shifted_mean.begin(), 0.0);
  result.unit = form.unit;
  // Gains fall with the eigenvalues.
  for (std::size_t i = 0; i < form.gains.size(); ++i) {
    const std::span<const float> u = model.eigenface(static_cast<int>(i));
    const double g = form.gains[i], a = dot(u, shifted_mean);
    if (g > 0) ++result.positive;
    for (std::size_t j = 0; j < linear.size(); ++j) linear[j] -= g * a * u[j];
    result.constant -= g * a * a;
    append(std::vector<double>(u.begin(), u.end()), sum_to_zero, std::sqrt(std::abs(g)),
           result.squared);
  }
  append(linear, sum_to_zero, 1, result.linear);
  return result;
}

}  // namespace hadal::eigenfaces

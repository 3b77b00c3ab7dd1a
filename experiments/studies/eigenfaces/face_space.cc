#include "experiments/studies/eigenfaces/face_space.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"

namespace hadal::eigenfaces {

FaceDistance face_distance(const Model& model, std::span<const float> face,
                           std::span<const float> weights) {
  FaceDistance distance;
  for (std::size_t p = 0; p < face.size(); ++p) {
    const double difference = double{face[p]} - double{model.mean[p]};
    distance.from_squared += difference * difference;
  }
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double squared = double{weights[i]} * double{weights[i]};
    distance.from_squared -= squared;
    distance.in_squared += squared / model.eigenvalues[i];
  }
  distance.from_squared = std::max(0.0, distance.from_squared);
  return distance;
}

double likelihood_distance(const Model& model, const FaceDistance& distance) {
  const double rho = model.residual_variance();
  if (!(rho > 0))
    throw ConfigError(
        "likelihood distance: the model keeps all eigenfaces, so no variance is known beside them; "
        "train with fewer components");
  return distance.from_squared / rho + distance.in_squared;
}

double balanced_distance(const FaceDistance& distance, const FaceDistance& held_out_mean) {
  return std::sqrt((distance.from_squared / held_out_mean.from_squared +
                    distance.in_squared / held_out_mean.in_squared) /
                   2);
}

}  // namespace hadal::eigenfaces

// A face model as templates to correlate a picture with.
//
// A window p of n pixels becomes the picture x = s (p - c) + 128 with
//   as-is:       s = 1,           c = 128
//   normalised:  s = 48 / sigma,  c = mu     (mean and standard deviation of the window)
// (lighting.h), so x - psi = s (p - c) - psi' with psi' = psi - 128, and its weights are
//   w_k = u_k . (x - psi) = s u_k . (p - c) - a_k,   a_k = u_k . psi'.
// Every distance of a map has the form
//   d = unit (|x - psi|^2 - sum_k g_k w_k^2)
//   from face space, e^2:                        unit 1,           g_k = 1
//   from the mean face:                          unit 1,           g_k = 0
//   likelihood, e^2 / rho + sum w_k^2 / lambda_k:      1 / rho,          1 - rho / lambda_k
//   balanced, (e^2 / E + sum w_k^2 / (lambda_k D)) / 2: 1 / (2 E),       1 - E / (D lambda_k)
// (face_space.h). Multiplied out, with q = p - 128 (no template sees the difference: as-is because
// c = 128, normalised because its templates are made to sum to zero),
//   d = unit (s^2 (|p - c|^2 - sum_k +-(v_k . q)^2) - 2 s (t . q) + constant)
//   v_k = sqrt|g_k| u_k with the sign of g_k before its square,
//   t = psi' - sum_k g_k a_k u_k,   constant = |psi'|^2 - sum_k g_k a_k^2
// where normalised v_k and t have their means taken off: what is left of a map is k + 1
// correlations and two sums over every window.
#pragma once

#include <vector>

#include "experiments/studies/eigenfaces/lighting.h"
#include "experiments/studies/eigenfaces/model.h"

namespace hadal::eigenfaces {

enum class MapDistance {
  kFaceSpace,   // e^2
  kLikelihood,  // likelihood_distance()
  kBalanced,    // the square of balanced_distance() with the model's own calibration
  kMeanFace,    // |x - psi|^2: no eigenface at all; normalised, the correlation with the mean face
};

/// "face-space", "likelihood", "balanced", "mean-face".
std::string name_of(MapDistance distance);
/// Throws ConfigError for an unknown name.
MapDistance map_distance_of(const std::string& name);

/// unit and g_k. Throws ConfigError for the likelihood of a model that has no variance beside its
/// eigenfaces, and for the balanced distance of one that was not calibrated.
struct QuadraticForm {
  double unit = 1;
  std::vector<double> gains{};
};
QuadraticForm quadratic_form(const Model& model, MapDistance distance);

struct FaceTemplates {
  int height = 0, width = 0;
  Lighting lighting = Lighting::kAsIs;
  std::vector<float> squared{};  // k x n: v_k, those with positive gains before the others
  int positive = 0;              // how many
  std::vector<float> linear{};   // n: t
  double unit = 1, constant = 0;

  int n() const { return height * width; }
  int k() const { return static_cast<int>(squared.size() / linear.size()); }
};

/// Throws ConfigError as quadratic_form().
FaceTemplates face_templates(const Model& model, MapDistance distance = MapDistance::kFaceSpace);

}  // namespace hadal::eigenfaces

// A face model as templates to correlate a picture with.
//
// A window p of n pixels becomes the picture x = s (p - c) + 128 with
//   as-is:       s = 1,           c = 128
//   normalised:  s = 48 / sigma,  c = mu     (mean and standard deviation of the window)
// (lighting.h), so x - psi = s (p - c) - psi' with psi' = psi - 128, and its weights are
//   w_k = u_k . (x - psi) = s u_k . (p - c) - a_k,   a_k = u_k . psi'.
// Both distances of a map have the form
//   e^2 = |x - psi|^2 - sum_k g_k w_k^2
// with gains g_k = 1 for the distance from face space. For the likelihood of a Gaussian that has
// the eigenvalues lambda_k in face space and rho in every other direction (Moghaddam, Pentland
// 1997),
//   rho (sum_k w_k^2 / lambda_k + (|x - psi|^2 - sum_k w_k^2) / rho)
// has g_k = 1 - rho / lambda_k. Multiplied out, with q = p - 128 (no template sees the difference:
// as-is because c = 128, normalised because its templates are made to sum to zero),
//   e^2 = s^2 E - 2 s (t . q) + constant - s^2 sum_k (v_k . q)^2
//   E = |p - c|^2,  v_k = sqrt(g_k) u_k,  t = psi' - sum_k g_k a_k u_k,
//   constant = |psi'|^2 - sum_k g_k a_k^2
// where normalised v_k and t have their means taken off: what is left of a map is k + 1
// correlations and two sums over every window.
#pragma once

#include <vector>

#include "experiments/studies/eigenfaces/lighting.h"
#include "experiments/studies/eigenfaces/model.h"

namespace hadal::eigenfaces {

enum class MapDistance {
  kFaceSpace,   // e^2: from face space
  kLikelihood,  // rho times the squared Mahalanobis distance: from and in face space
  kMeanFace,    // |x - psi|^2: no eigenface at all; normalised, the correlation with the mean face
};

/// "face-space", "likelihood", "mean-face".
std::string name_of(MapDistance distance);
/// Throws ConfigError for an unknown name.
MapDistance map_distance_of(const std::string& name);

/// g_k of eigenface i, 0 for the distance from the mean face.
double gain(const Model& model, MapDistance distance, int i);

struct FaceTemplates {
  int height = 0, width = 0;
  Lighting lighting = Lighting::kAsIs;
  std::vector<float> squared{};  // k x n: v_k
  std::vector<float> linear{};   // n: t
  double constant = 0;

  int n() const { return height * width; }
  int k() const { return static_cast<int>(squared.size() / linear.size()); }
};

/// Throws ConfigError for the likelihood of a model that has no variance beside its eigenfaces.
FaceTemplates face_templates(const Model& model, MapDistance distance = MapDistance::kFaceSpace);

}  // namespace hadal::eigenfaces

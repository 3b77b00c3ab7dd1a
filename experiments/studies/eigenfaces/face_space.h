// How far a picture is from being a face.
//
//   from face space:  e^2 = |x - psi - U w|^2 = |x - psi|^2 - |w|^2
//   in face space:    d^2 = sum_i w_i^2 / lambda_i
//
// Sources: Turk, Pentland 1991 (e); Moghaddam, Pentland 1997, "Probabilistic Visual Learning for
// Object Representation" (d, and e^2 / rho + d^2 as minus twice the logarithm of a Gaussian).
#pragma once

#include <span>

#include "experiments/studies/eigenfaces/model.h"

namespace hadal::eigenfaces {

/// `face`: n pixels, lit; `weights`: its projection.
FaceDistance face_distance(const Model& model, std::span<const float> face,
                           std::span<const float> weights);

/// e^2 / rho + d^2 with rho = model.residual_variance(): the squared Mahalanobis distance under a
/// Gaussian with the eigenvalues in face space and rho in every direction beside it. Throws
/// ConfigError when no variance was left out, so that rho is 0.
double likelihood_distance(const Model& model, const FaceDistance& distance);

/// sqrt((e^2 / E + d^2 / D) / 2), where E and D are the means of e^2 and d^2 over faces that
/// nothing was trained on: about 1 for a face. In e^2 / rho + d^2 the first counts n - k directions
/// and drowns the second; rho is also too small for new faces, because training pictures lie nearer
/// to their own face space than others do. Means of held-out faces mend both.
double balanced_distance(const FaceDistance& distance, const FaceDistance& held_out_mean);

}  // namespace hadal::eigenfaces

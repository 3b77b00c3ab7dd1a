// Faces of which a part is hidden.
//
// With M the diagonal matrix of ones where pixels are visible:
//   plain projection      w = U^T M (x - psi): hidden pixels count as the mean face's
//   least squares         w = argmin |M (x - psi - U w)|^2 + r sum_i w_i^2 / lambda_i
//                           = (U^T M U + r diag(1 / lambda))^-1 U^T M (x - psi)
// The second is the most probable face given its visible pixels when weights are Gaussian with
// variances lambda (they are what PCA says of faces) and pixels deviate from face space by
// independent noise of variance r: so the eigenvalues set the ridge of every direction. Pixels do
// not deviate independently, so the r that serves best is larger than their variance.
//
// Source: Turk, Pentland 1991 (plain projection); the second is ridge regression.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/random.h"
#include "experiments/studies/eigenfaces/model.h"

namespace hadal::eigenfaces {

/// n entries, 1 where a pixel can be seen.
using Visible = std::vector<std::uint8_t>;

struct Rectangle {
  int left = 0, top = 0, width = 0, height = 0;
};

/// All but the rectangle. Throws ConfigError when it is empty or reaches outside.
Visible all_but(const Rectangle& hidden, int height, int width);

/// A rectangle in the picture's proportions that covers `share` of it, at a place drawn from
/// `stream`. Throws ConfigError unless 0 < share < 1.
Rectangle random_rectangle(double share, int height, int width, const random::Stream& stream);

/// A face as it is lit, when only some of its pixels can be measured: brightness and contrast are
/// those of visible pixels.
struct PartlyVisible {
  std::vector<float> face{};  // n, hidden pixels 0
  Relight relight{};          // what was done to grey levels
};
PartlyVisible lit_visible(std::span<const std::uint8_t> picture, const Visible& visible,
                          Lighting lighting);

/// Throws ShapeError for other sizes than the model's.
std::vector<float> project_zero_filled(const Model& model, std::span<const float> face,
                                       const Visible& visible);

/// Throws ConfigError when the visible pixels do not determine the weights (r = 0 only), or r < 0.
std::vector<float> project_visible(const Model& model, std::span<const float> face,
                                   const Visible& visible, double r);

/// Weights and lighting of a picture from its visible pixels y (grey levels of the file):
///
///   min over a, b, v of |M (y - a psi - b - U v)|^2 + r sum_i v_i^2 / lambda_i,   w = v / a
///
/// because relit faces are (y - b) / a. The mean and contrast of what happens to be visible would
/// be wrong for the face as a whole. Models that take pictures as they are have a = 1, b = 0, and
/// this is project_visible(). Where the fit would turn the picture over (a not positive),
/// brightness and contrast of visible pixels are taken all the same.
struct VisibleFit {
  std::vector<float> weights{};
  Relight relight{};  // scale 1 / a, shift -b / a
};
VisibleFit fit_visible(const Model& model, std::span<const std::uint8_t> picture,
                       const Visible& visible, double r);
/// The same for several r, with one product of the eigenfaces.
std::vector<VisibleFit> fit_visible(const Model& model, std::span<const std::uint8_t> picture,
                                    const Visible& visible, std::span<const double> ridges);

/// The whole picture in grey levels of the file: visible pixels as they are, hidden ones from the
/// face with these weights, rounded to 0..255.
std::vector<std::uint8_t> filled(const Model& model, std::span<const std::uint8_t> picture,
                                 const Visible& visible, const Relight& relight,
                                 std::span<const float> weights);

/// Root of the mean squared difference over hidden pixels.
double hidden_rmse(std::span<const std::uint8_t> truth, std::span<const std::uint8_t> picture,
                   const Visible& visible);

/// 10 log10(255^2 / mean squared difference over all pixels); infinite for equal pictures.
double psnr(std::span<const std::uint8_t> truth, std::span<const std::uint8_t> picture);

}  // namespace hadal::eigenfaces

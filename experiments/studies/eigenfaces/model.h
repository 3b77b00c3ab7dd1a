// Eigenfaces: the principal components of pictures of faces.
//
//   m pictures of n pixels, mean face psi, centred faces phi_j = x_j - psi. Eigenfaces u_1 .. u_k
//   are the leading eigenvectors of the covariance C = sum_j phi_j phi_j^T / (m - 1), orthonormal,
//   with eigenvalues lambda_i = sigma_i^2 / (m - 1). A face has weights w_i = u_i . (x - psi) and
//   the reconstruction psi + sum_i w_i u_i.
//
// Source: Turk, Pentland 1991, "Eigenfaces for Recognition". They divide by m instead of m - 1, and
// their covariance is of centred faces (a covariance without centring, as it is sometimes shown,
// has the mean face as its first direction).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "experiments/studies/eigenfaces/lighting.h"
#include "experiments/studies/eigenfaces/pictures.h"
#include "experiments/studies/eigenfaces/roughness.h"

namespace hadal::eigenfaces {

/// How far a picture lies from face space (e^2) and from its middle within it (d^2); face_space.h.
struct FaceDistance {
  double from_squared = 0, in_squared = 0;
};

/// What pictures that were held out of training say about a model; calibrate.h.
struct Calibration {
  FaceDistance held_out_mean{};  // of faces
  std::string likeness{};        // the one that recognised most of them; gallery.h
  /// Turk and Pentland's two thresholds: a picture is a face when its balanced_distance() is at
  /// most `space_threshold`, and of a known person when also the nearest match by `likeness` is at
  /// most `person_threshold` away.
  double space_threshold = 0, person_threshold = 0;
  double ridge = 0;            // of reconstruction from visible pixels; occlusion.h
  RoughnessRange roughness{};  // of all training pictures; locate.h looks no further at others
};

struct Model {
  int height = 0, width = 0;
  Lighting lighting = Lighting::kAsIs;  // of every picture before anything else
  std::vector<float> mean{};            // psi: n
  std::vector<float> eigenfaces{};      // k x n, row i is u_i
  std::vector<double> eigenvalues{};    // k, descending
  double total_variance = 0;            // trace of C: the sum of all eigenvalues, kept or not
  std::vector<float> weights{};         // m x k, of the training pictures, then of moved copies
  std::vector<int> labels{};            // m
  std::vector<std::string> people{};    // names of labels; some may have no training picture
  std::vector<std::string> files{};     // of the training pictures, or none
  std::optional<Calibration> calibration{};

  int k() const { return static_cast<int>(eigenvalues.size()); }
  std::int64_t n() const { return std::int64_t{height} * width; }
  /// Pictures with weights.
  std::int64_t m() const { return static_cast<std::int64_t>(labels.size()); }
  std::span<const float> eigenface(int i) const {
    return {eigenfaces.data() + i * n(), static_cast<std::size_t>(n())};
  }
  std::span<const float> weights_of(std::int64_t j) const {
    return {weights.data() + j * k(), static_cast<std::size_t>(k())};
  }
  /// Mean of the eigenvalues that were not kept, over the n - k directions beside face space: the
  /// variance of the pictures there (Moghaddam and Pentland's rho). 0 when nothing was left out.
  double residual_variance() const;
};

struct TrainOptions {
  int components = 0;  // k; 0: all that the pictures span, at most m - 1
  Lighting lighting = Lighting::kAsIs;
  /// Above 0: weights also of four copies of every picture, moved by so many pixels up, down, left
  /// and right, so that faces are known a little beside their place. They take no part in the
  /// eigenfaces.
  int shift = 0;
};

/// The eigenfaces of `pictures` by the eigenvectors of their m x m Gram matrix: with Phi = [phi_1
/// .. phi_m] and Phi^T Phi v = sigma^2 v, u = Phi v / sigma is a unit eigenvector of Phi Phi^T, and
/// the weights of picture j are sigma_i v_ij. Products of pixels are summed as integers, so the
/// Gram matrix is exact. The entry of largest magnitude of every eigenface is positive.
///
/// Throws DataError for fewer than two pictures or pictures that are all the same, ConfigError for
/// more components than the pictures span.
Model train(const Pictures& pictures, const TrainOptions& options = {});

/// Appends weights and labels of `pictures`, then, with `shift` > 0, of their moved copies.
void add_weights(const Pictures& pictures, int shift, Model& model);

/// train(), with as many of `components` as the pictures span.
Model train_at_most(const Pictures& pictures, const TrainOptions& options);

/// The first k eigenfaces of a model. Throws ConfigError unless 1 <= k <= model.k().
Model truncated(const Model& model, int k);

/// w = U^T (x - psi): k weights of a face as lit() gives it. Throws ShapeError unless it has n
/// pixels.
std::vector<float> project(const Model& model, std::span<const float> face);

/// psi + sum_i w_i u_i over the first weights.size() eigenfaces: n pixels.
std::vector<float> reconstruct(const Model& model, std::span<const float> weights);

inline constexpr const char* kModelFile = "model.safetensors";

/// A folder with the model: kModelFile, which load() reads; written whole or not at all.
/// Throws IoError, also when the folder is there already.
void save(const Model& model, const std::filesystem::path& folder);

/// The bytes of kModelFile, for callers that fill a folder with more than the model.
std::string encode(const Model& model);

/// Throws IoError when there is none, DataError when it is damaged or contradicts itself.
Model load(const std::filesystem::path& folder);

}  // namespace hadal::eigenfaces

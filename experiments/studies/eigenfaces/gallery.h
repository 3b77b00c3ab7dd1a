// Whom a face is nearest to: distances between weights, to every training picture or to the mean of
// every person.
//
//   name             distance of weights w and v
//   l2               |w - v|
//   cosine           1 - w.v / |w||v|
//   whitened         |L w - L v|, L = diag(lambda)^(-1/2)  (the Mahalanobis distance of all faces)
//   whitened-cosine  1 - cosine of L w and L v
//   within           |M w - M v|, M^T M = S^-1             (Mahalanobis, of pictures of one person)
//   within-cosine    1 - cosine of M w and M v
//
//   S = 0.9 S_w + 0.1 trace(S_w) / k I,  S_w = sum_j (w_j - mean of its person)(...)^T / (m -
//   people)
//
// S_w says how pictures of one person differ; directions that change with expression and lighting
// count less. Of few pictures it is no full matrix, hence the share of the identity.
// Sources: Turk, Pentland 1991 (l2, class means); Moghaddam, Jebara, Pentland 2000, "Bayesian face
// recognition" (differences within a person); Moon, Phillips 2001 (cosine of whitened weights).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "experiments/studies/eigenfaces/model.h"

namespace hadal::eigenfaces {

enum class Metric { kL2, kCosine, kWhitened, kWhitenedCosine, kWithin, kWithinCosine };
enum class Neighbour { kPicture, kPerson };

struct Likeness {
  Metric metric = Metric::kL2;
  Neighbour neighbour = Neighbour::kPicture;

  friend bool operator==(const Likeness&, const Likeness&) = default;
};

/// "within-cosine to pictures", "l2 to people".
std::string name_of(const Likeness& likeness);
/// Throws ConfigError for an unknown name.
Likeness likeness_of(const std::string& name);
/// All of them, the plainest first.
const std::vector<Likeness>& all_likenesses();

class Gallery {
 public:
  /// Throws ConfigError when `within` is asked of a model without two pictures of any person.
  Gallery(const Model& model, const Likeness& likeness);

  struct Match {
    int label = -1;
    double distance = 0;
  };
  /// To each person that has a training picture, nearest first (by label among equals).
  std::vector<Match> ranked(std::span<const float> weights) const;
  /// The first of them, without sorting the rest.
  Match nearest(std::span<const float> weights) const;

 private:
  std::vector<float> transformed(std::span<const float> weights) const;
  double distance(std::span<const float> a, std::size_t reference) const;

  int k_ = 0;
  bool cosine_ = false;
  std::vector<float> scale_{};       // k, or empty
  std::vector<float> transform_{};   // k x k, lower triangular, or empty
  std::vector<float> references_{};  // count x k, transformed
  std::vector<int> labels_{};
};

}  // namespace hadal::eigenfaces

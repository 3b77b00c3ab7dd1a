#include "experiments/studies/eigenfaces/gallery.h"

#include <cmath>

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "core/linalg/dense.h"
#include "tests/experiments/studies/eigenfaces/made_faces.h"

namespace hadal::eigenfaces {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

// Three people in the plane; face space itself plays no part.
Model in_the_plane() {
  return {.height = 1,
          .width = 2,
          .mean = {0, 0},
          .eigenfaces = {1, 0, 0, 1},
          .eigenvalues = {16, 4},
          .weights = {8, 0, 12, 0, /**/ 0, 2, 0, 6, /**/ -3, -3},
          .labels = {0, 0, 2, 2, 1},
          .people = {"a", "b", "c", "nobody's picture"}};
}

double nearest(const Likeness& likeness, std::vector<float> weights) {
  return Gallery(in_the_plane(), likeness).nearest(weights).distance;
}

TEST(Gallery, L2IsTheLengthOfTheDifference) {
  EXPECT_NEAR(nearest({Metric::kL2, Neighbour::kPicture}, {5, 4}), 5, 1e-6);  // to (8, 0)
  EXPECT_NEAR(nearest({Metric::kL2, Neighbour::kPerson}, {10, 3}), 3, 1e-6);  // to (10, 0)
}

TEST(Gallery, CosineKnowsDirectionsOnly) {
  EXPECT_NEAR(nearest({Metric::kCosine, Neighbour::kPicture}, {0.5, 0}), 0, 1e-6);
  EXPECT_NEAR(nearest({Metric::kCosine, Neighbour::kPicture}, {1, 1}), 1 - std::sqrt(0.5), 1e-6);
}

TEST(Gallery, WhitenedCountsInStandardDeviations) {
  // (8 - 12) / 4 and 6 / 2.
  EXPECT_NEAR(nearest({Metric::kWhitened, Neighbour::kPicture}, {16, 6}), std::hypot(1, 3), 1e-6);
  EXPECT_NEAR(nearest({Metric::kWhitenedCosine, Neighbour::kPicture}, {4, 2}), 1 - std::sqrt(0.5),
              1e-6);
}

TEST(Gallery, WithinIsTheMahalanobisDistanceOfPicturesOfOnePerson) {
  // Differences from a's mean are (-2, 0), (2, 0), from c's (0, -2), (0, 2): with 5 - 3 degrees of
  // freedom S_w = 4 I, and so is S.
  EXPECT_NEAR(nearest({Metric::kWithin, Neighbour::kPicture}, {8, 3}), 3 / 2.0, 1e-6);
}

TEST(Gallery, WithinWhitensTheDifferencesWithinPersonsUpToTheIdentitysShare) {
  const Model model = train(made_faces(4, 6), {.components = 3});
  // |M (w - v)|^2 over pairs is (w - v)^T S^-1 (w - v).
  const std::int64_t k = 3;
  linalg::DenseMatrix s(k, k);
  for (int person = 0; person < 4; ++person) {
    std::vector<double> mean(3);
    for (int i = 0; i < 6; ++i)
      for (std::size_t c = 0; c < 3; ++c) mean[c] += model.weights_of(6 * person + i)[c] / 6.0;
    for (int i = 0; i < 6; ++i)
      for (std::int64_t a = 0; a < k; ++a)
        for (std::int64_t b = 0; b < k; ++b)
          s(a, b) += (model.weights_of(6 * person + i)[static_cast<std::size_t>(a)] -
                      mean[static_cast<std::size_t>(a)]) *
                     (model.weights_of(6 * person + i)[static_cast<std::size_t>(b)] -
                      mean[static_cast<std::size_t>(b)]) /
                     20.0;
  }
  const double trace = s(0, 0) + s(1, 1) + s(2, 2);
  for (double& value : s.values) value *= 0.9;
  for (std::int64_t a = 0; a < k; ++a) s(a, a) += 0.1 * trace / 3;

  std::vector<float> w{100, -30, 20};
  const Gallery::Match match = Gallery(model, {Metric::kWithin, Neighbour::kPicture}).nearest(w);
  double least = 1e30;
  for (std::int64_t j = 0; j < model.m(); ++j) {
    linalg::DenseMatrix difference(k, 1);
    for (std::size_t c = 0; c < 3; ++c)
      difference.values[c] = double{w[c]} - double{model.weights_of(j)[c]};
    const linalg::DenseMatrix z = linalg::solve_upper_transposed(*linalg::cholesky(s), difference);
    least = std::min(least, linalg::frobenius_norm(z));
  }
  EXPECT_NEAR(match.distance, least, 1e-4 * least);
}

TEST(Gallery, EveryPersonIsRankedOnceNearestFirst) {
  for (const Likeness& likeness : all_likenesses()) {
    const Gallery gallery(in_the_plane(), likeness);
    const std::vector<float> weights{1, 3};
    const std::vector<Gallery::Match> ranked = gallery.ranked(weights);
    ASSERT_EQ(ranked.size(), 3u) << name_of(likeness);
    EXPECT_LE(ranked[0].distance, ranked[1].distance);
    EXPECT_LE(ranked[1].distance, ranked[2].distance);
    EXPECT_EQ(gallery.nearest(weights).label, ranked[0].label);
    EXPECT_EQ(gallery.nearest(weights).distance, ranked[0].distance);
  }
}

TEST(Gallery, KnowsEveryTrainingPicture) {
  const Model model = train(made_faces(5, 3), {.lighting = Lighting::kNormalised});
  for (const Likeness& likeness : all_likenesses())
    for (std::int64_t j = 0; j < model.m(); ++j)
      EXPECT_EQ(Gallery(model, likeness).nearest(model.weights_of(j)).label,
                model.labels[static_cast<std::size_t>(j)])
          << name_of(likeness);
}

TEST(Gallery, WithinWantsTwoPicturesOfSomebody) {
  const Model model = train(made_faces(5, 1));
  EXPECT_THAT(
      [&] {
        Gallery(model, {Metric::kWithin, Neighbour::kPicture});
      },
      ThrowsMessage<ConfigError>(HasSubstr("use l2, cosine or whitened")));
}

TEST(Likeness, NamesLeadBack) {
  for (const Likeness& likeness : all_likenesses())
    EXPECT_EQ(likeness_of(name_of(likeness)), likeness);
  EXPECT_THAT([] { likeness_of("cosin to people"); },
              ThrowsMessage<ConfigError>(HasSubstr("did you mean 'cosine to people'")));
}

}  // namespace
}  // namespace hadal::eigenfaces

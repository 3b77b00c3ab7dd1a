#include "experiments/studies/eigenfaces/face_space.h"

#include <cmath>

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "tests/experiments/studies/eigenfaces/made_faces.h"

namespace hadal::eigenfaces {
namespace {

const Pictures kFaces = made_faces(5, 4);

FaceDistance distance_of(const Model& model, std::span<const float> face) {
  return face_distance(model, face, project(model, face));
}

TEST(DistanceFromFaceSpace, IsThatToTheReconstruction) {
  const Model model = train(kFaces, {.components = 4});
  const std::vector<float> face = lit(made_faces(6, 4).picture(22), Lighting::kAsIs);
  const std::vector<float> weights = project(model, face);
  const std::vector<float> nearest = reconstruct(model, weights);
  double squared = 0;
  for (std::size_t p = 0; p < face.size(); ++p)
    squared += (double{face[p]} - nearest[p]) * (double{face[p]} - nearest[p]);
  // e^2 = |x - psi|^2 - |w|^2 takes two numbers of about 1e5 from each other, in float32 weights.
  EXPECT_NEAR(face_distance(model, face, weights).from_squared, squared, 0.1);
  EXPECT_GT(squared, 1000);
}

TEST(DistanceFromFaceSpace, IsNothingForTrainingPicturesWithAllEigenfaces) {
  const Model model = train(kFaces);
  for (std::int64_t j = 0; j < kFaces.count(); ++j)
    EXPECT_NEAR(distance_of(model, lit(kFaces.picture(j), model.lighting)).from_squared, 0, 0.1);
}

TEST(DistanceInFaceSpace, OfOneStandardDeviationAlongAnEigenfaceIsOne) {
  const Model model = train(kFaces, {.components = 4});
  for (std::size_t i = 0; i < 4; ++i) {
    std::vector<float> weights(4);
    weights[i] = static_cast<float>(std::sqrt(model.eigenvalues[i]));
    const FaceDistance distance = distance_of(model, reconstruct(model, weights));
    EXPECT_NEAR(distance.in_squared, 1, 1e-4);
    EXPECT_NEAR(distance.from_squared, 0, 0.1);
  }
}

TEST(DistanceInFaceSpace, AveragesKOverTheTrainingPictures) {
  const Model model = train(kFaces, {.components = 6});
  double sum = 0;
  for (std::int64_t j = 0; j < kFaces.count(); ++j)
    sum += distance_of(model, lit(kFaces.picture(j), model.lighting)).in_squared;
  EXPECT_NEAR(sum, 6 * static_cast<double>(kFaces.count() - 1), 1e-2);  // of 114, float32 weights
}

TEST(LikelihoodDistance, AddsBothInUnitsOfTheirVariance) {
  const Model model = train(kFaces, {.components = 4});
  const double rho = model.residual_variance();
  EXPECT_DOUBLE_EQ(likelihood_distance(model, {.from_squared = 6 * rho, .in_squared = 2}), 8);
  EXPECT_THROW(likelihood_distance(train(kFaces, {.lighting = Lighting::kAsIs}), {}), ConfigError);
}

TEST(BalancedDistance, OfTheMeanHeldOutFaceIsOne) {
  const FaceDistance mean{.from_squared = 300, .in_squared = 20};
  EXPECT_DOUBLE_EQ(balanced_distance(mean, mean), 1);
  EXPECT_DOUBLE_EQ(balanced_distance({.from_squared = 600, .in_squared = 120}, mean), 2);
}

}  // namespace
}  // namespace hadal::eigenfaces

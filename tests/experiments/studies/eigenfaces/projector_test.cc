#include "experiments/studies/eigenfaces/projector.h"

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "experiments/studies/eigenfaces/face_space.h"
#include "tests/experiments/studies/eigenfaces/made_faces.h"

namespace hadal::eigenfaces {
namespace {

using ::testing::FloatNear;
using ::testing::Pointwise;

// 143 pixels end within a step; 120 x 100 are more than a run of 32-bit sums.
class ProjectorOf : public testing::TestWithParam<std::tuple<Lighting, std::pair<int, int>, int>> {
};

TEST_P(ProjectorOf, GivesWeightsAndDistancesOfTheFormulas) {
  const auto& [lighting, size, components] = GetParam();
  const Pictures faces = made_faces(5, 4, size.first, size.second);
  const Model model = train(faces, {.components = components, .lighting = lighting});
  const Projector projector(model);
  const Pictures others = made_faces(6, 4, size.first, size.second);
  for (const std::int64_t i : {0, 7, 21, 23}) {
    const std::vector<float> face = lit(others.picture(i), lighting);
    const std::vector<float> weights = project(model, face);
    const FaceDistance distance = face_distance(model, face, weights);
    const Projector::Result result = projector.project(others.picture(i));
    // 5e-6 max|u| |y| is below 0.005 for these.
    EXPECT_THAT(result.weights, Pointwise(FloatNear(0.01F), weights));
    double whole = 0;  // |x - psi|^2
    for (std::size_t p = 0; p < face.size(); ++p)
      whole += (double{face[p]} - model.mean[p]) * (double{face[p]} - model.mean[p]);
    EXPECT_NEAR(result.distance.from_squared, distance.from_squared, 1e-4 * whole);
    EXPECT_NEAR(result.distance.in_squared, distance.in_squared, 1e-3 * distance.in_squared);
  }
}

constexpr auto kLightings = {Lighting::kAsIs, Lighting::kNormalised};
INSTANTIATE_TEST_SUITE_P(Components, ProjectorOf,
                         testing::Combine(testing::ValuesIn(kLightings),
                                          testing::Values(std::pair{13, 11}),
                                          testing::Values(1, 6, 7, 8, 15, 17)));
INSTANTIATE_TEST_SUITE_P(ManyPixels, ProjectorOf,
                         testing::Combine(testing::ValuesIn(kLightings),
                                          testing::Values(std::pair{120, 100}),
                                          testing::Values(9)));

TEST(Projector, WantsPicturesOfTheModelsSize) {
  const Projector projector(train(made_faces(2, 3)));
  EXPECT_THROW(projector.project(std::vector<std::uint8_t>(10)), ShapeError);
}

}  // namespace
}  // namespace hadal::eigenfaces

#include "experiments/studies/eigenfaces/train_randomized.h"

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "dist/self_communicator.h"
#include "tests/experiments/studies/eigenfaces/made_faces.h"

namespace hadal::eigenfaces {
namespace {

using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;
using ::testing::ThrowsMessage;

class RandomizedTraining : public testing::TestWithParam<Lighting> {};

TEST_P(RandomizedTraining, GivesTheEigenfacesOfTheGramMatrix) {
  const auto self = dist::make_self_communicator();
  const Pictures faces = made_faces(6, 5);
  const TrainOptions options{.components = 5, .lighting = GetParam(), .shift = 1};
  const Model exact = train(faces, options);
  const Model model = train_randomized(*self, faces, options);
  EXPECT_THAT(model.mean, Pointwise(FloatNear(1e-3F), exact.mean));
  EXPECT_NEAR(model.total_variance, exact.total_variance, 1e-5 * exact.total_variance);
  for (int i = 0; i < 5; ++i) {
    EXPECT_NEAR(model.eigenvalues[static_cast<std::size_t>(i)],
                exact.eigenvalues[static_cast<std::size_t>(i)], 1e-4 * exact.eigenvalues[0]);
    double cosine = 0;
    for (std::size_t p = 0; p < model.mean.size(); ++p)
      cosine += double{model.eigenface(i)[p]} * exact.eigenface(i)[p];
    EXPECT_NEAR(cosine, 1, 1e-4) << i;
  }
  EXPECT_EQ(model.labels, exact.labels);
  EXPECT_EQ(model.weights.size(), exact.weights.size());
}

INSTANTIATE_TEST_SUITE_P(Lighting, RandomizedTraining,
                         testing::Values(Lighting::kAsIs, Lighting::kNormalised));

TEST(RandomizedTraining, WantsANumberOfComponents) {
  const auto self = dist::make_self_communicator();
  EXPECT_THAT([&] { train_randomized(*self, made_faces(2, 3), {}); },
              ThrowsMessage<ConfigError>(HasSubstr("wanted 1 to 5")));
}

}  // namespace
}  // namespace hadal::eigenfaces

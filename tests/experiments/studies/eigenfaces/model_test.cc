#include "experiments/studies/eigenfaces/model.h"

#include <cmath>
#include <numeric>

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "tests/experiments/studies/eigenfaces/made_faces.h"

namespace hadal::eigenfaces {
namespace {

using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;
using ::testing::ThrowsMessage;

double dot(std::span<const float> x, std::span<const float> y) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += double{x[i]} * y[i];
  return sum;
}

std::vector<double> centred_face(const Model& model, const Pictures& pictures, std::int64_t j) {
  const std::vector<float> face = lit(pictures.picture(j), model.lighting);
  std::vector<double> phi(face.begin(), face.end());
  for (std::size_t p = 0; p < phi.size(); ++p) phi[p] -= model.mean[p];
  return phi;
}

class Eigenfaces : public testing::TestWithParam<Lighting> {
 protected:
  const Pictures pictures = made_faces(4, 5);
  const Model model = train(pictures, {.lighting = GetParam()});
};

TEST_P(Eigenfaces, AreOrthonormal) {
  for (int i = 0; i < model.k(); ++i)
    for (int j = 0; j <= i; ++j)
      // float32, sigma_1 / sigma_k about 30.
      EXPECT_NEAR(dot(model.eigenface(i), model.eigenface(j)), i == j ? 1 : 0, 1e-5);
}

TEST_P(Eigenfaces, AreEigenvectorsOfTheCovariance) {
  for (int i = 0; i < model.k(); ++i) {
    const std::span<const float> u = model.eigenface(i);
    std::vector<double> product(u.size());  // C u
    for (std::int64_t j = 0; j < pictures.count(); ++j) {
      const std::vector<double> phi = centred_face(model, pictures, j);
      const double along = std::inner_product(phi.begin(), phi.end(), u.begin(), 0.0);
      for (std::size_t p = 0; p < u.size(); ++p)
        product[p] += along * phi[p] / static_cast<double>(pictures.count() - 1);
    }
    for (std::size_t p = 0; p < u.size(); ++p)
      EXPECT_NEAR(product[p], model.eigenvalues[static_cast<std::size_t>(i)] * u[p],
                  1e-6 * model.eigenvalues[0]);
  }
}

TEST_P(Eigenfaces, WeightsOfTrainingPicturesAreTheirProjections) {
  for (std::int64_t j = 0; j < pictures.count(); ++j)
    EXPECT_THAT(project(model, lit(pictures.picture(j), model.lighting)),
                Pointwise(FloatNear(1e-3), model.weights_of(j)));
}

TEST_P(Eigenfaces, AllOfThemGiveTheTrainingPicturesBack) {
  for (std::int64_t j = 0; j < pictures.count(); ++j)
    EXPECT_THAT(reconstruct(model, model.weights_of(j)),
                Pointwise(FloatNear(1e-3), lit(pictures.picture(j), model.lighting)));
}

TEST_P(Eigenfaces, EigenvaluesSumToTheTotalVariance) {
  EXPECT_NEAR(std::accumulate(model.eigenvalues.begin(), model.eigenvalues.end(), 0.0),
              model.total_variance, 1e-9 * model.total_variance);
  EXPECT_EQ(model.k(), pictures.count() - 1);
  EXPECT_NEAR(model.residual_variance(), 0, 1e-9 * model.total_variance);
}

TEST_P(Eigenfaces, FewerComponentsAreTheFirstOfAll) {
  const Model few = train(pictures, {.components = 3, .lighting = GetParam()});
  const Model cut = truncated(model, 3);
  // Other algorithms for a few eigenvectors and for all; float32 products of another size.
  EXPECT_THAT(few.eigenfaces, Pointwise(FloatNear(1e-5), cut.eigenfaces));
  EXPECT_THAT(few.weights, Pointwise(FloatNear(1e-2), cut.weights));
  for (int i = 0; i < 3; ++i)
    EXPECT_NEAR(few.eigenvalues[static_cast<std::size_t>(i)],
                cut.eigenvalues[static_cast<std::size_t>(i)], 1e-9 * cut.eigenvalues[0]);
}

TEST_P(Eigenfaces, ComeBackFromTheirFolder) {
  const TemporaryFolder folder;
  Model saved = model;
  saved.calibration = {{.from_squared = 9, .in_squared = 4}, "l2 to people", 12.5, 3.25, 100};
  save(saved, folder.path() / "model");
  const Model loaded = load(folder.path() / "model");
  EXPECT_EQ(encode(loaded), encode(saved));
  EXPECT_EQ(loaded.calibration->person_threshold, 3.25);
}

INSTANTIATE_TEST_SUITE_P(Lighting, Eigenfaces,
                         testing::Values(Lighting::kAsIs, Lighting::kNormalised),
                         [](const auto& info) {
                           return info.param == Lighting::kAsIs ? "AsIs" : "Normalised";
                         });

TEST(Eigenfaces, KnowPicturesThatMoved) {
  const Pictures faces = made_faces(4, 5);
  const Model plain = train(faces), moved = train(faces, {.shift = 2});
  EXPECT_EQ(moved.eigenfaces, plain.eigenfaces);
  ASSERT_EQ(moved.m(), 5 * plain.m());
  const std::vector<std::uint8_t> left = shifted(faces, 3, 0, -2);
  EXPECT_EQ(left[0], faces.picture(3)[2]);
  EXPECT_EQ(left[10], faces.picture(3)[10]);  // the edge, repeated
  // The third copy of picture 3; rounding as projector.h tells.
  EXPECT_THAT(moved.weights_of(20 + 4 * 3 + 2),
              Pointwise(FloatNear(0.02F), project(plain, lit(left, Lighting::kAsIs))));
  EXPECT_EQ(moved.labels[20 + 4 * 3 + 2], faces.labels[3]);
  EXPECT_THROW(train(faces, {.shift = 11}), ConfigError);
}

TEST(Eigenfaces, OfNormalisedPicturesDoNotDependOnLighting) {
  Pictures dark = made_faces(4, 5), bright = dark;
  for (std::uint8_t& x : dark.pixels) x = x / 2;
  for (std::size_t p = 0; p < bright.pixels.size(); ++p)
    bright.pixels[p] = static_cast<std::uint8_t>(2 * (bright.pixels[p] / 2) / 2 + 40);
  const TrainOptions options{.components = 5, .lighting = Lighting::kNormalised};
  const Model a = train(dark, options), b = train(bright, options);
  EXPECT_THAT(a.mean, Pointwise(FloatNear(1e-4), b.mean));
  EXPECT_THAT(a.eigenfaces, Pointwise(FloatNear(1e-4), b.eigenfaces));
}

TEST(Eigenfaces, OfPicturesWithoutDifferenceAreRefused) {
  Pictures same = made_faces(1, 3);
  std::fill(same.pixels.begin(), same.pixels.end(), 9);
  EXPECT_THAT([&] { train(same); }, ThrowsMessage<DataError>(HasSubstr("all the same")));
  EXPECT_THAT([] { train(made_faces(1, 1)); }, ThrowsMessage<DataError>(HasSubstr("at least 2")));
}

TEST(Eigenfaces, MoreThanPicturesSpanAreRefused) {
  EXPECT_THAT([] { train(made_faces(2, 3), {.components = 6}); },
              ThrowsMessage<ConfigError>(HasSubstr("6 components, but 6 pictures span at most 5")));
}

TEST(Eigenfaces, OfADamagedFolderAreRefused) {
  const TemporaryFolder folder;
  const std::string whole = encode(train(made_faces(2, 3)));
  write_file_atomically(folder.path() / "model.safetensors", whole.substr(0, whole.size() - 7));
  EXPECT_THROW(load(folder.path()), DataError);
}

}  // namespace
}  // namespace hadal::eigenfaces

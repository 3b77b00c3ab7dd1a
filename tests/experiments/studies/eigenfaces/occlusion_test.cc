#include "experiments/studies/eigenfaces/occlusion.h"

#include <cmath>

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "tests/experiments/studies/eigenfaces/made_faces.h"

namespace hadal::eigenfaces {
namespace {

using ::testing::Each;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;
using ::testing::ThrowsMessage;

const Pictures kFaces = made_faces(5, 4);
const Rectangle kQuarter{.left = 2, .top = 3, .width = 5, .height = 6};

std::int64_t hidden_in(const Visible& visible) {
  return std::ranges::count(visible, std::uint8_t{0});
}

class Occlusion : public testing::Test {
 protected:
  const Model model = train(kFaces, {.components = 6});
  const std::vector<float> face = lit(kFaces.picture(7), Lighting::kAsIs);
  const Visible everything = Visible(face.size(), 1);
  const Visible some = all_but(kQuarter, kFaces.height, kFaces.width);
};

TEST_F(Occlusion, NothingHiddenIsThePlainProjection) {
  const std::vector<float> plain = project(model, face);
  EXPECT_EQ(project_zero_filled(model, face, everything), plain);
  // U^T U = I up to float32.
  EXPECT_THAT(project_visible(model, face, everything, 0), Pointwise(FloatNear(1e-3), plain));
}

TEST_F(Occlusion, WhatLiesInFaceSpaceComesBackFromItsVisiblePixels) {
  const std::vector<float> weights{50, -20, 30, 10, -5, 4};
  std::vector<float> inside = reconstruct(model, weights);
  for (std::size_t p = 0; p < inside.size(); ++p)
    if (!some[p]) inside[p] = 1e6F;  // looked at by neither
  // 30 of 143 pixels hidden leave U^T M U with a condition number below 10.
  EXPECT_THAT(project_visible(model, inside, some, 0), Pointwise(FloatNear(0.02), weights));
  EXPECT_GT(std::abs(project_zero_filled(model, inside, some)[0] - weights[0]), 1);
}

TEST_F(Occlusion, WithoutRidgeNoOtherWeightsAreNearerOnVisiblePixels) {
  const std::vector<float> best = project_visible(model, face, some, 0);
  const auto squared = [&](const std::vector<float>& weights) {
    const std::vector<float> guess = reconstruct(model, weights);
    double sum = 0;
    for (std::size_t p = 0; p < face.size(); ++p)
      if (some[p]) sum += (double{face[p]} - guess[p]) * (double{face[p]} - guess[p]);
    return sum;
  };
  for (std::size_t i = 0; i < best.size(); ++i)
    for (const float step : {-1.0F, 1.0F}) {
      std::vector<float> other = best;
      other[i] += step;
      EXPECT_GT(squared(other), squared(best));
    }
}

TEST_F(Occlusion, TheRidgeShrinksDirectionsBySmallEigenvalues) {
  // Nothing hidden: w_i = (u_i . phi) lambda_i / (lambda_i + r).
  const std::vector<float> plain = project(model, face);
  const double r = model.eigenvalues[3];
  const std::vector<float> shrunk = project_visible(model, face, everything, r);
  for (std::size_t i = 0; i < plain.size(); ++i) {
    const double lambda = model.eigenvalues[i];
    EXPECT_NEAR(shrunk[i], plain[i] * lambda / (lambda + r), 1e-3);
  }
  EXPECT_NEAR(shrunk[3], plain[3] / 2, 1e-3);
}

TEST_F(Occlusion, ARidgeWithoutBoundsGivesTheMeanFace) {
  EXPECT_THAT(project_visible(model, face, some, 1e15), Each(FloatNear(0, 1e-3)));
}

TEST_F(Occlusion, FewerVisiblePixelsThanWeightsWantARidge) {
  Visible few(face.size(), 0);
  for (std::size_t p = 0; p < 4; ++p) few[p] = 1;
  EXPECT_THAT([&] { project_visible(model, face, few, 0); },
              ThrowsMessage<ConfigError>(HasSubstr("4 visible pixels do not determine 6 weights")));
  EXPECT_NO_THROW(project_visible(model, face, few, 1));
}

TEST_F(Occlusion, VisiblePixelsStayAsTheyAre) {
  const std::span<const std::uint8_t> picture = kFaces.picture(7);
  const std::vector<std::uint8_t> result =
      filled(model, picture, some, {}, project_visible(model, face, some, 0));
  for (std::size_t p = 0; p < some.size(); ++p)
    EXPECT_TRUE(!some[p] || result[p] == picture[p]) << p;
  EXPECT_GT(hidden_rmse(picture, result, some), 0);
}

TEST_F(Occlusion, LightingIsFittedToVisiblePixelsAlone) {
  const Model lit_model = train(kFaces, {.components = 6, .lighting = Lighting::kNormalised});
  const std::span<const std::uint8_t> picture = kFaces.picture(7);
  std::vector<std::uint8_t> spoilt(picture.begin(), picture.end());
  for (std::size_t p = 0; p < some.size(); ++p)
    if (!some[p]) spoilt[p] = 255;
  const VisibleFit fit = fit_visible(lit_model, spoilt, some, 50);
  const VisibleFit same = fit_visible(lit_model, picture, some, 50);
  EXPECT_EQ(fit.weights, same.weights);
  EXPECT_EQ(lit_visible(spoilt, some, Lighting::kNormalised).face,
            lit_visible(picture, some, Lighting::kNormalised).face);
  // Noise of 4 grey levels and what 6 of 19 components leave out.
  const auto result = filled(lit_model, spoilt, some, fit.relight, fit.weights);
  EXPECT_LT(hidden_rmse(picture, result, some), 12);
}

TEST_F(Occlusion, TheFitFindsTheLightingOfTheWholeFace) {
  const Model lit_model = train(kFaces, {.components = 12, .lighting = Lighting::kNormalised});
  const VisibleFit fit = fit_visible(lit_model, kFaces.picture(7), some, 1);
  std::int64_t sum = 0, squares = 0;
  for (const std::int64_t x : kFaces.picture(7)) {
    sum += x;
    squares += x * x;
  }
  const Relight whole =
      relight(Lighting::kNormalised, static_cast<std::int64_t>(some.size()), sum, squares);
  // Pixels deviate from 12 components by about 4 grey levels.
  EXPECT_NEAR(fit.relight.scale, whole.scale, 0.1 * whole.scale);
}

TEST_F(Occlusion, WithLightingAsItIsTheFitIsTheProjection) {
  const VisibleFit fit = fit_visible(model, kFaces.picture(7), some, 3);
  EXPECT_EQ(fit.weights, project_visible(model, face, some, 3));
  EXPECT_EQ(fit.relight.scale, 1);
}

TEST(HiddenRectangle, CoversItsShareInsideThePicture) {
  for (std::uint64_t i = 0; i < 50; ++i) {
    const Rectangle r = random_rectangle(0.25, 112, 92, {1, random::Purpose::kTest, 0, i});
    EXPECT_EQ(hidden_in(all_but(r, 112, 92)), 56 * 46);
  }
}

TEST(HiddenRectangle, OutsideThePictureIsRefused) {
  EXPECT_THAT([] { all_but({.left = 3, .top = 0, .width = 4, .height = 2}, 5, 6); },
              ThrowsMessage<ConfigError>(HasSubstr("reaches outside a picture of 6x5")));
  EXPECT_THROW(all_but({}, 5, 6), ConfigError);
}

TEST(Psnr, OfADifferenceOfOneEverywhereIs48Decibels) {
  const std::vector<std::uint8_t> a(10, 7), b(10, 8);
  EXPECT_NEAR(psnr(a, b), 20 * std::log10(255.0), 1e-12);
  EXPECT_TRUE(std::isinf(psnr(a, a)));
}

}  // namespace
}  // namespace hadal::eigenfaces

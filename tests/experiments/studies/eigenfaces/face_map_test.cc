#include "experiments/studies/eigenfaces/face_map.h"

#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <omp.h>

#include "core/base/error.h"
#include "core/base/random.h"
#include "experiments/studies/eigenfaces/face_space.h"
#include "tests/experiments/studies/eigenfaces/made_faces.h"

namespace hadal::eigenfaces {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

// Grey noise, rough on the left and smooth on the right, with a part of one grey level.
image::Image made_picture(int height, int width) {
  image::Image picture{.height = height, .width = width, .channels = 1};
  double smooth = 128;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const double noise =
          random::normal({5, random::Purpose::kTest}, static_cast<std::uint64_t>(y * width + x));
      smooth = 0.95 * smooth + 0.05 * 128 + 8 * noise;
      double grey = x < width / 2 ? 128 + 40 * noise : smooth;
      if (y < 2 * height / 3 && x > 2 * width / 3) grey = 90;
      picture.pixels.push_back(static_cast<std::uint8_t>(std::clamp(grey, 0.0, 255.0)));
    }
  return picture;
}

Model made_model(Lighting lighting, int components = 7) {
  Model model = train(made_faces(5, 3), {.components = components, .lighting = lighting});
  // Some eigenvalues are below from / in, so that gains have both signs.
  model.calibration = Calibration{
      .held_out_mean = {.from_squared = 1.5 * model.eigenvalues.back(), .in_squared = 1}};
  return model;
}

void paste(const Pictures& faces, std::int64_t i, int top, int left, image::Image& picture) {
  for (int y = 0; y < faces.height; ++y)
    for (int x = 0; x < faces.width; ++x)
      picture.pixels[static_cast<std::size_t>((top + y) * picture.width + left + x)] =
          faces.picture(i)[static_cast<std::size_t>(y * faces.width + x)];
}

double largest(const std::vector<float>& values) {
  return *std::max_element(values.begin(), values.end());
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference = std::max(difference, std::abs(double{a[i]} - b[i]));
  return difference;
}

struct Case {
  Lighting lighting;
  MapDistance distance;
};

class FaceMaps : public testing::TestWithParam<Case> {};

TEST_P(FaceMaps, AreWhatTheDefinitionGives) {
  for (const int components : {1, 6, 7}) {
    const Model model = made_model(GetParam().lighting, components);
    // One window; one row; one column; odd sizes.
    for (const PictureSize size :
         std::vector<PictureSize>{{13, 11}, {13, 60}, {37, 11}, {41, 53}}) {
      const image::Image picture = made_picture(size.height, size.width);
      const FaceMap wanted = reference_face_map(model, picture, GetParam().distance);
      const FaceMap map = FaceMapper(model, GetParam().distance, std::vector{size}).map(picture);
      ASSERT_EQ(map.height, size.height - 12);
      ASSERT_EQ(map.width, size.width - 10);
      // float32 sums of 143 products of the largest distance.
      EXPECT_LT(largest_difference(map.distance, wanted.distance), 1e-5 * largest(wanted.distance));
      EXPECT_LT(largest_difference(map.deviation, wanted.deviation), 1e-5);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(OfEveryKind, FaceMaps,
                         testing::Values(Case{Lighting::kAsIs, MapDistance::kFaceSpace},
                                         Case{Lighting::kAsIs, MapDistance::kLikelihood},
                                         Case{Lighting::kAsIs, MapDistance::kBalanced},
                                         Case{Lighting::kAsIs, MapDistance::kMeanFace},
                                         Case{Lighting::kNormalised, MapDistance::kFaceSpace},
                                         Case{Lighting::kNormalised, MapDistance::kLikelihood},
                                         Case{Lighting::kNormalised, MapDistance::kBalanced},
                                         Case{Lighting::kNormalised, MapDistance::kMeanFace}));

TEST(FaceMap, OfOneWindowIsTheDistanceOfThatPicture) {
  const Pictures faces = made_faces(5, 3);
  image::Image picture{.height = 13, .width = 11, .channels = 1};
  picture.pixels.resize(143);
  paste(faces, 4, 0, 0, picture);
  for (const Lighting lighting : {Lighting::kAsIs, Lighting::kNormalised}) {
    const Model model = made_model(lighting);
    const std::vector<float> face = lit(faces.picture(4), lighting);
    const FaceDistance d = face_distance(model, face, project(model, face));
    const double balanced = balanced_distance(d, model.calibration->held_out_mean);
    const auto value = [&](MapDistance distance) {
      return double{reference_face_map(model, picture, distance).distance[0]};
    };
    // float32 weights.
    EXPECT_NEAR(value(MapDistance::kFaceSpace) / d.from_squared, 1, 1e-5);
    EXPECT_NEAR(value(MapDistance::kLikelihood) / likelihood_distance(model, d), 1, 1e-5);
    EXPECT_NEAR(value(MapDistance::kBalanced) / (balanced * balanced), 1, 1e-5);
  }
}

TEST(FaceMap, IsTheSameByEveryWayAndTile) {
  const FaceTemplates templates =
      face_templates(made_model(Lighting::kNormalised), MapDistance::kBalanced);
  const image::Image picture = made_picture(47, 61);
  const Correlations direct = DirectCorrelator(templates, portable_kernels()).correlate(picture);
  // A tile of one window, tiles that overlap, one tile, one larger than the picture.
  for (const PictureSize tile : std::vector<PictureSize>{{15, 12}, {20, 32}, {48, 64}, {81, 100}})
    for (const CorrelationKernels* kernels : {&portable_kernels(), &correlation_kernels()}) {
      const Correlations c = FourierCorrelator(templates, tile, *kernels).correlate(picture);
      // float32: the transforms mix windows of all energies.
      EXPECT_LT(largest_difference(c.squares, direct.squares), 1e-5 * largest(direct.squares));
      EXPECT_LT(largest_difference(c.linear, direct.linear), 1e-5 * largest(direct.linear));
    }
}

TEST(FaceMap, HasTheSameBitsWithAnyNumberOfThreads) {
  // More than sixteen pairs of templates, and several tiles.
  const Model model = train(made_faces(9, 5), {.components = 40});
  const FourierCorrelator correlator(face_templates(model), {.height = 24, .width = 25});
  const image::Image picture = made_picture(60, 70);
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  const Correlations one = correlator.correlate(picture);
  omp_set_num_threads(3);
  const Correlations three = correlator.correlate(picture);
  omp_set_num_threads(threads);
  EXPECT_EQ(one.squares, three.squares);
  EXPECT_EQ(one.linear, three.linear);
}

TEST(FaceMap, IsLeastWhereAFaceWasPasted) {
  const Pictures faces = made_faces(5, 3);
  for (const Lighting lighting : {Lighting::kAsIs, Lighting::kNormalised}) {
    image::Image picture = made_picture(50, 70);
    paste(faces, 4, 23, 9, picture);
    const Model model = made_model(lighting, 10);
    const PictureSize size{.height = 50, .width = 70};
    const FaceMap map = FaceMapper(model, MapDistance::kFaceSpace, std::vector{size}).map(picture);
    const auto least = std::min_element(map.distance.begin(), map.distance.end());
    EXPECT_EQ(static_cast<std::size_t>(least - map.distance.begin()), map.at(23, 9));
  }
}

TEST(FaceMap, DoesNotSeeLightingThatWasNormalised) {
  const Model model = made_model(Lighting::kNormalised);
  image::Image picture = made_picture(30, 40), dimmed = picture;
  for (std::uint8_t& p : picture.pixels) p &= 0xfe;
  for (std::size_t i = 0; i < picture.pixels.size(); ++i)
    dimmed.pixels[i] = static_cast<std::uint8_t>(picture.pixels[i] / 2 + 20);
  const FaceMapper mapper(model, MapDistance::kFaceSpace, {});
  const FaceMap bright = mapper.map(picture), dark = mapper.map(dimmed);
  // The same windows but for rounding.
  EXPECT_LT(largest_difference(bright.distance, dark.distance), 1e-5 * largest(bright.distance));
}

TEST(FaceMap, OfSmallPicturesIsDirectAndOfLargeOnesByFourier) {
  const FaceTemplates templates = face_templates(train(made_faces(9, 5, 31, 28), {}));
  EXPECT_FALSE(cheapest_plan(templates, std::vector<PictureSize>{{33, 29}}).tile.has_value());
  const CorrelationPlan plan = cheapest_plan(templates, std::vector<PictureSize>{{600, 800}});
  ASSERT_TRUE(plan.tile.has_value());
  EXPECT_GE(plan.tile->height, 31);
  EXPECT_LT(plan.steps, direct_steps(templates, {600, 800}));
}

TEST(FaceMap, WantsGreyPicturesAsLargeAsAWindow) {
  const FaceMapper mapper(made_model(Lighting::kAsIs), MapDistance::kFaceSpace, {});
  EXPECT_THAT([&] { mapper.map(made_picture(12, 40)); },
              ThrowsMessage<ShapeError>(HasSubstr("40x12 pixels, fewer than the 11x13")));
  image::Image coloured{.height = 20, .width = 20, .channels = 3};
  coloured.pixels.resize(1200);
  EXPECT_THAT([&] { mapper.map(coloured); },
              ThrowsMessage<ShapeError>(HasSubstr("the picture has 3 channels, wanted 1")));
}

TEST(FaceMap, OfALikelihoodWantsVarianceBesideFaceSpace) {
  const Model all = train(made_faces(5, 3), {});
  EXPECT_THAT([&] { face_templates(all, MapDistance::kLikelihood); },
              ThrowsMessage<ConfigError>(HasSubstr("train with --components")));
  EXPECT_THAT([&] { face_templates(all, MapDistance::kBalanced); },
              ThrowsMessage<ConfigError>(HasSubstr("needs a calibrated model")));
}

}  // namespace
}  // namespace hadal::eigenfaces

#include "experiments/studies/eigenfaces/locate.h"

#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "core/base/random.h"
#include "core/image/resize.h"
#include "experiments/studies/eigenfaces/calibrate.h"
#include "experiments/studies/eigenfaces/face_part.h"
#include "tests/experiments/studies/eigenfaces/made_faces.h"

namespace hadal::eigenfaces {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

constexpr int kHeight = 120, kWidth = 150;

// Grey noise of one pixel.
image::Image noise() {
  image::Image picture{.height = kHeight, .width = kWidth, .channels = 1};
  for (std::size_t i = 0; i < std::size_t{kHeight} * kWidth; ++i)
    picture.pixels.push_back(static_cast<std::uint8_t>(
        std::clamp(128 + 30 * random::normal({8, random::Purpose::kTest}, i), 0.0, 255.0)));
  return picture;
}

void paste(const Pictures& faces, std::int64_t i, const Box& at, image::Image& picture) {
  const image::Image face{.height = faces.height,
                          .width = faces.width,
                          .channels = 1,
                          .pixels = {faces.picture(i).begin(), faces.picture(i).end()}};
  const image::Image scaled =
      image::resize(face, static_cast<int>(at.height), static_cast<int>(at.width));
  for (int y = 0; y < scaled.height; ++y)
    for (int x = 0; x < scaled.width; ++x)
      picture.pixels[static_cast<std::size_t>((static_cast<int>(at.top) + y) * kWidth +
                                              static_cast<int>(at.left) + x)] =
          scaled.pixels[static_cast<std::size_t>(y * scaled.width + x)];
}

class Locate : public testing::Test {
 protected:
  Locate() { model.calibration = calibrate(faces, options).calibration; }

  FaceLocator locator(LocateOptions o = {}) const {
    return FaceLocator(model, o, std::vector<PictureSize>{{kHeight, kWidth}});
  }

  const TrainOptions options{.components = 8, .lighting = Lighting::kNormalised};
  const Pictures faces = made_faces(6, 5, 13, 13);
  Model model = train(faces, options);
};

TEST_F(Locate, FindsFacesAtTheirPlacesAndScales) {
  const Box small{20, 70, 26, 26}, large{70, 20, 52, 52};
  image::Image picture = noise();
  paste(faces, 3, small, picture);
  paste(faces, 17, large, picture);
  const Located located = locator().locate(picture);
  ASSERT_GE(located.faces.size(), 2u);
  for (const Box& wanted : {small, large})
    EXPECT_TRUE(
        std::any_of(located.faces.begin(), located.faces.begin() + 2,
                    [&](const Detection& face) { return overlap(face.box, wanted) > 0.6; }));
}

TEST_F(Locate, DrawsAMapThatIsLeastInTheMiddleOfAFace) {
  image::Image picture = noise();
  paste(faces, 3, {40, 50, 26, 26}, picture);
  const Located located = locator().locate(picture);
  std::size_t least = 0;
  double lowest = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < located.map.size(); ++i)
    if (located.map[i] < lowest) lowest = located.map[least = i];
  EXPECT_NEAR(static_cast<double>(least % kWidth), 53, 3);
  EXPECT_NEAR(static_cast<double>(least / kWidth), 63, 3);
}

TEST_F(Locate, TakesNoFlatWindowForAFace) {
  const image::Image grey{.height = kHeight,
                          .width = kWidth,
                          .channels = 1,
                          .pixels = std::vector<std::uint8_t>(std::size_t{kHeight} * kWidth, 90)};
  EXPECT_THAT(locator().locate(grey).faces, IsEmpty());
  EXPECT_THAT(locator({.check_roughness = false}).locate(grey).faces, IsEmpty());
}

TEST_F(Locate, KeepsToTheThresholdAndToTheMost) {
  const Located all = locator({.check_roughness = false}).locate(noise());
  ASSERT_GT(all.faces.size(), 3u);
  const double threshold = all.faces[2].distance;
  EXPECT_THAT(locator({.check_roughness = false, .threshold = threshold}).locate(noise()).faces,
              ElementsAre(all.faces[0], all.faces[1], all.faces[2]));
  EXPECT_THAT(locator({.check_roughness = false, .most = 2}).locate(noise()).faces, SizeIs(2));
}

TEST(ThresholdFor, LeavesTheFalseAlarmsAllowed) {
  const std::vector<Located> pictures = {{.faces = {{{}, 1}, {{}, 4}}}, {.faces = {{{}, 2}}}};
  EXPECT_DOUBLE_EQ(threshold_for(pictures, 1), 3);  // 1 and 2 of two pictures
  EXPECT_DOUBLE_EQ(threshold_for(pictures, 0.5), 1.5);
  EXPECT_LT(threshold_for(pictures, 0), 1);
  EXPECT_TRUE(std::isinf(threshold_for(pictures, 9)));
}

TEST(Pyramid, HasWindowsFromTheSmallestToTheWholePicture) {
  const auto levels = pyramid_levels({100, 200}, 20, 20, {.ratio = 2, .smallest = 20});
  ASSERT_THAT(levels, SizeIs(3));
  EXPECT_EQ(levels[0].size, (PictureSize{100, 200}));
  EXPECT_EQ(levels[2].size, (PictureSize{25, 50}));
  EXPECT_DOUBLE_EQ(levels[2].scale, 4);
  EXPECT_THAT(pyramid_levels({100, 200}, 20, 20, {.ratio = 2, .smallest = 20, .largest = 40}),
              SizeIs(2));
  EXPECT_THAT(pyramid_levels({10, 200}, 20, 20), IsEmpty());
  EXPECT_THAT(
      [] {
        pyramid_levels({9, 9}, 2, 2, {.ratio = 1});
      },
      ThrowsMessage<ConfigError>(HasSubstr("ratio 1 between levels")));
  EXPECT_THAT(
      [] {
        pyramid_levels({9, 9}, 2, 2, {.smallest = 5, .largest = 4});
      },
      ThrowsMessage<ConfigError>(HasSubstr("smallest window 5 is above the largest, 4")));
}

TEST(ScaledPart, IsThePartOfEveryPictureInItsNewSize) {
  const Pictures faces = made_faces(2, 2, 12, 10);
  const Pictures same = scaled_part(faces, {2, 3, 4, 5}, 5, 4);
  EXPECT_EQ(same.count(), 4);
  EXPECT_EQ(same.files, faces.files);
  for (int y = 0; y < 5; ++y)
    for (int x = 0; x < 4; ++x)
      EXPECT_EQ(same.picture(3)[static_cast<std::size_t>(4 * y + x)],
                faces.picture(3)[static_cast<std::size_t>(10 * (3 + y) + 2 + x)]);
  const Pictures smaller = scaled_part(faces, {0, 0, 10, 12}, 6, 5);
  EXPECT_EQ(smaller.height, 6);
  EXPECT_EQ(smaller.pixels.size(), 4u * 30u);
  EXPECT_THAT(
      [&] {
        scaled_part(faces, {2, 3, 9, 5}, 5, 4);
      },
      ThrowsMessage<ConfigError>(HasSubstr("part 2,3,9,5 does not lie within pictures of "
                                           "10x12 pixels")));
}

}  // namespace
}  // namespace hadal::eigenfaces

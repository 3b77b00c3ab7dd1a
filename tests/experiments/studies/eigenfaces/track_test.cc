#include "experiments/studies/eigenfaces/track.h"

#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "core/base/random.h"
#include "core/image/resize.h"
#include "experiments/studies/eigenfaces/calibrate.h"
#include "tests/experiments/studies/eigenfaces/made_faces.h"

namespace hadal::eigenfaces {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

constexpr int kHeight = 100, kWidth = 160, kSide = 30;

image::Image still() {
  image::Image picture{.height = kHeight, .width = kWidth, .channels = 1};
  for (std::size_t i = 0; i < std::size_t{kHeight} * kWidth; ++i)
    picture.pixels.push_back(static_cast<std::uint8_t>(
        std::clamp(128 + 25 * random::normal({8, random::Purpose::kTest}, i), 0.0, 255.0)));
  return picture;
}

void fill(image::Image& picture, const Box& box, const image::Image& with) {
  for (int y = 0; y < with.height; ++y)
    for (int x = 0; x < with.width; ++x)
      picture.pixels[static_cast<std::size_t>((static_cast<int>(box.top) + y) * kWidth +
                                              static_cast<int>(box.left) + x)] =
          with.pixels[static_cast<std::size_t>(y * with.width + x)];
}

image::Image dark(int side) {
  return {.height = side,
          .width = side,
          .channels = 1,
          .pixels = std::vector<std::uint8_t>(static_cast<std::size_t>(side * side), 20)};
}

TEST(MovingBlobs, AreWhereSomethingChanged) {
  const image::Image before = still();
  image::Image now = before;
  fill(now, {40, 30, 20, 20}, dark(20));
  fill(now, {120, 60, 8, 8}, dark(8));
  const std::vector<Blob> blobs = moving_blobs(before, now, {.blur = 5});
  ASSERT_THAT(blobs, SizeIs(2));
  // The box of averages reaches two pixels further.
  EXPECT_NEAR(blobs[0].box.left, 38, 1);
  EXPECT_NEAR(blobs[0].box.top, 28, 1);
  EXPECT_NEAR(blobs[0].box.width, 24, 2);
  EXPECT_GT(blobs[0].pixels, blobs[1].pixels);
  EXPECT_THAT(moving_blobs(before, now, {.blur = 5, .least_area = 0.02}), SizeIs(1));
}

TEST(MovingBlobs, AreNoneWhereNothingDidOrLittle) {
  const image::Image before = still();
  image::Image brighter = before;
  for (std::uint8_t& p : brighter.pixels) p = static_cast<std::uint8_t>(std::min(p + 4, 255));
  EXPECT_THAT(moving_blobs(before, before), IsEmpty());
  EXPECT_THAT(moving_blobs(before, brighter), IsEmpty());
  EXPECT_THAT(moving_blobs(before, brighter, {.threshold = 3}), SizeIs(1));
}

TEST(MovingBlobs, WantGreyPicturesOfOneSize) {
  EXPECT_THAT([] { moving_blobs(still(), dark(20)); },
              ThrowsMessage<ShapeError>(HasSubstr("20x20 pixels and 1 channels after one of "
                                                  "160x100 and 1")));
}

class Track : public testing::Test {
 protected:
  Track() { model.calibration = calibrate(faces, options).calibration; }

  // With a face of kSide pixels there.
  image::Image frame(const Box& at) const {
    const image::Image face{.height = faces.height,
                            .width = faces.width,
                            .channels = 1,
                            .pixels = {faces.picture(7).begin(), faces.picture(7).end()}};
    image::Image picture = still();
    fill(picture, at, image::resize(face, kSide, kSide));
    return picture;
  }

  const TrainOptions options{.components = 8, .lighting = Lighting::kNormalised};
  const Pictures faces = made_faces(6, 5, 13, 13);
  Model model = train(faces, options);
};

TEST_F(Track, FollowsAFaceAndStaysWhenItRests) {
  FaceTracker tracker(model, {}, {kHeight, kWidth});
  for (int t = 0; t < 10; ++t) {
    const int moved = std::min(t, 7);
    const Box at{10.0 + 14 * moved, 20.0 + 5 * moved, kSide, kSide};
    const Sighting sighting = tracker.next(frame(at));
    EXPECT_EQ(sighting.looked_at, t == 0   ? LookedAt::kEverything
                                  : t <= 7 ? LookedAt::kMotion
                                           : LookedAt::kLastPlace);
    ASSERT_TRUE(sighting.face.has_value()) << t;
    const Box& box = sighting.face->box;
    // A step of the pyramid's coarser levels.
    EXPECT_NEAR(box.left + box.width / 2, at.left + kSide / 2, 4) << t;
    EXPECT_NEAR(box.top + box.height / 2, at.top + kSide / 2, 4) << t;
  }
}

TEST_F(Track, LooksOnlyAroundWhatMoved) {
  FaceTracker tracker(model, {}, {kHeight, kWidth});
  tracker.next(frame({10, 20, kSide, kSide}));
  const Sighting sighting = tracker.next(frame({14, 20, kSide, kSide}));
  ASSERT_TRUE(sighting.moving.has_value());
  EXPECT_LT(sighting.region.width, 0.6 * kWidth);
  EXPECT_GT(overlap(*sighting.moving, {10, 20, kSide + 4, kSide}), 0.6);
}

TEST_F(Track, WantsFramesOfOneSize) {
  FaceTracker tracker(model, {}, {kHeight, kWidth});
  EXPECT_THAT(
      [&] { tracker.next(dark(50)); },
      ThrowsMessage<ShapeError>(HasSubstr("a picture of 50x50 pixels in a sequence of 160x100")));
}

}  // namespace
}  // namespace hadal::eigenfaces

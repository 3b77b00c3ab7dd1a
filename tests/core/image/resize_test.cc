#include "core/image/resize.h"

#include <gmock/gmock.h>

#include "tests/core/image/made_images.h"

namespace hadal::image {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

TEST(Resize, TheSameSizeIsTheSamePicture) {
  const Image image = counted(7, 5, 3);
  EXPECT_EQ(resize(image, 7, 5), image);
}

TEST(Resize, AConstantPictureStaysConstant) {
  const Image grey{
      .height = 5, .width = 9, .channels = 1, .pixels = std::vector<std::uint8_t>(45, 201)};
  for (const int height : {1, 2, 3, 5, 8, 31})
    for (const int width : {1, 4, 7, 9, 10, 50}) {
      const Image out = resize(grey, height, width);
      EXPECT_EQ(out.pixels.size(), static_cast<std::size_t>(height * width));
      EXPECT_THAT(out.pixels, Each(201));
    }
}

TEST(Resize, ShrinkingAveragesOverArea) {
  const Image row{.height = 1, .width = 4, .channels = 1, .pixels = {0, 10, 20, 60}};
  EXPECT_THAT(resize(row, 1, 2).pixels, ElementsAre(5, 40));
  // Three of four: pixel 0 and a third of 1; two thirds of 1 and of 2; a third of 2 and pixel 3.
  EXPECT_THAT(resize(row, 1, 3).pixels, ElementsAre(3, 15, 50));  // 2.5, 15, 50
}

TEST(Resize, GrowingInterpolatesBetweenPixelCentres) {
  const Image column{.height = 2, .width = 1, .channels = 1, .pixels = {0, 100}};
  EXPECT_THAT(resize(column, 4, 1).pixels, ElementsAre(0, 25, 75, 100));
}

TEST(Resize, ChannelsDoNotMix) {
  const Image image{.height = 1, .width = 2, .channels = 3, .pixels = {0, 100, 7, 20, 200, 7}};
  EXPECT_THAT(resize(image, 1, 1).pixels, ElementsAre(10, 150, 7));
}

TEST(Resize, SizesBelowOneAreRefused) { EXPECT_THROW(resize(counted(2, 2, 1), 0, 2), ShapeError); }

TEST(Colours, GreyIsLumaAndRgbOfGreyIsThreeTimesTheSame) {
  const Image image{
      .height = 1, .width = 3, .channels = 3, .pixels = {255, 0, 0, 0, 255, 0, 9, 9, 9}};
  EXPECT_THAT(to_grey(image).pixels, ElementsAre(76, 150, 9));
  EXPECT_EQ(to_grey(to_grey(image)), to_grey(image));
  EXPECT_THAT(to_rgb(to_grey(image)).pixels, ElementsAre(76, 76, 76, 150, 150, 150, 9, 9, 9));
  EXPECT_EQ(to_rgb(image), image);
}

}  // namespace
}  // namespace hadal::image

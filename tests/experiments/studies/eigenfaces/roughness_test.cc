#include "experiments/studies/eigenfaces/roughness.h"

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "tests/experiments/studies/eigenfaces/made_faces.h"

namespace hadal::eigenfaces {
namespace {

TEST(Roughness, IsTheEnergyOfDifferencesOverThatOfTheWindow) {
  // Rows 0 2 4 and 0 2 4: mean 2, squares about it 16; across 4 x 2^2 = 16, down 0.
  const Roughness r = roughness_of(std::vector<std::uint8_t>{0, 2, 4, 0, 2, 4}, 2, 3);
  EXPECT_DOUBLE_EQ(r.across, 1);
  EXPECT_DOUBLE_EQ(r.down, 0);
  // One grey level has no energy to compare with.
  const Roughness flat = roughness_of(std::vector<std::uint8_t>{7, 7, 7, 7}, 2, 2);
  EXPECT_DOUBLE_EQ(flat.across, 0);
}

TEST(Roughness, OfAMapIsThatOfEveryWindow) {
  const Pictures face = made_faces(1, 1, 9, 12);
  image::Image picture{.height = 9, .width = 12, .channels = 1, .pixels = face.pixels};
  const std::vector<Roughness> map = roughness_map(picture, 4, 5);
  ASSERT_EQ(map.size(), 6u * 8u);
  for (int y = 0; y < 6; ++y)
    for (int x = 0; x < 8; ++x) {
      std::vector<std::uint8_t> window;
      for (int r = y; r < y + 4; ++r)
        for (int c = x; c < x + 5; ++c)
          window.push_back(picture.pixels[static_cast<std::size_t>(12 * r + c)]);
      const Roughness wanted = roughness_of(window, 4, 5);
      const Roughness& found = map[static_cast<std::size_t>(8 * y + x)];
      EXPECT_EQ(found.across, wanted.across);
      EXPECT_EQ(found.down, wanted.down);
    }
}

TEST(RoughnessRange, HoldsTheFacesItIsOf) {
  const Pictures faces = made_faces(5, 4);
  const RoughnessRange range = roughness_range(faces);
  for (std::int64_t i = 0; i < faces.count(); ++i)
    EXPECT_TRUE(range.contains(roughness_of(faces.picture(i), faces.height, faces.width)));
  EXPECT_FALSE(range.contains({range.low.across / 2, range.low.down}));
  EXPECT_FALSE(range.contains({0, 0}));
  // As rough across and down as some faces, but never so unlike in both.
  EXPECT_FALSE(range.contains({range.high.across * 1.01, range.low.down}));
}

TEST(RoughnessRange, LeavesOutTheShareBeyond) {
  Pictures faces = made_faces(50, 2);
  const RoughnessRange all = roughness_range(faces, 0), most = roughness_range(faces, 0.05);
  EXPECT_LT(all.low.across, most.low.across);
  EXPECT_GT(all.high.down, most.high.down);
  EXPECT_THROW(roughness_range(Pictures{}), DataError);
}

}  // namespace
}  // namespace hadal::eigenfaces

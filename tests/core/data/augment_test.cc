#include "core/data/augment.h"

#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "core/base/error.h"

namespace hadal::data {
namespace {

constexpr int kHeight = 5, kWidth = 6;

std::vector<float> counted(int channels) {
  std::vector<float> image(static_cast<std::size_t>(kHeight * kWidth * channels));
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<float>(i + 1);
  return image;
}

// By the definition, element by element.
std::vector<float> expected(const std::vector<float>& in, int channels, Padding padding,
                            const AugmentationDraw& draw) {
  const auto fold = [&](int i, int size) {
    if (padding == Padding::kReflect) return i < 0 ? -i : i >= size ? 2 * size - 2 - i : i;
    return std::min(std::max(i, 0), size - 1);
  };
  std::vector<float> out(in.size());
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x)
      for (int c = 0; c < channels; ++c) {
        const int sy = y + draw.shift_y;
        const int sx = (draw.mirrored ? kWidth - 1 - x : x) + draw.shift_x;
        const bool inside = sy >= 0 && sy < kHeight && sx >= 0 && sx < kWidth;
        const float value = in[static_cast<std::size_t>(
            (fold(sy, kHeight) * kWidth + fold(sx, kWidth)) * channels + c)];
        out[static_cast<std::size_t>((y * kWidth + x) * channels + c)] =
            inside || padding != Padding::kZero ? value : 0.0f;
      }
  return out;
}

TEST(Augment, ShiftsAndMirrorsAsDefinedForEveryDraw) {
  for (const int channels : {1, 3, 4})
    for (const Padding padding : {Padding::kZero, Padding::kReflect, Padding::kEdge})
      for (int dy = -4; dy <= 4; ++dy)
        for (int dx = -4; dx <= 4; ++dx)
          for (const bool mirrored : {false, true}) {
            const Augmentation a{.pad = 4, .padding = padding, .mirror = true};
            const AugmentationDraw draw{.shift_y = dy, .shift_x = dx, .mirrored = mirrored};
            const auto in = counted(channels);
            std::vector<float> out(in.size(), -1.0f);
            apply_augmentation(a, draw, in.data(), kHeight, kWidth, channels, out.data());
            ASSERT_EQ(out, expected(in, channels, padding, draw))
                << channels << " channels, shift " << dy << "," << dx << " mirrored " << mirrored;
          }
}

TEST(Augment, CutoutIsASquareCutByTheBorders) {
  const Augmentation a{.cutout = 4};
  const auto in = counted(1);
  for (int cy = 0; cy < kHeight; ++cy)
    for (int cx = 0; cx < kWidth; ++cx) {
      std::vector<float> out(in.size());
      apply_augmentation(a, {.cut_y = cy, .cut_x = cx}, in.data(), kHeight, kWidth, 1, out.data());
      for (int y = 0; y < kHeight; ++y)
        for (int x = 0; x < kWidth; ++x) {
          const bool cut = y >= cy - 2 && y < cy + 2 && x >= cx - 2 && x < cx + 2;
          const auto i = static_cast<std::size_t>(y * kWidth + x);
          ASSERT_EQ(out[i], cut ? 0.0f : in[i]);
        }
    }
}

TEST(Augment, DrawsDependOnSeedEpochAndImageAlone) {
  const Augmentation a{.pad = 4, .mirror = true, .cutout = 8};
  const auto key = [&](std::uint64_t seed, std::int64_t epoch, std::int64_t image) {
    const AugmentationDraw d = draw_augmentation(a, seed, epoch, image, 32, 32);
    return std::vector<int>{d.shift_y, d.shift_x, d.mirrored, d.cut_y, d.cut_x};
  };
  EXPECT_EQ(key(1, 2, 3), key(1, 2, 3));
  EXPECT_NE(key(1, 2, 3), key(2, 2, 3));
  EXPECT_NE(key(1, 2, 3), key(1, 3, 3));
  EXPECT_NE(key(1, 2, 3), key(1, 2, 4));
}

TEST(Augment, EveryShiftAndBothMirrorsAreEquallyLikely) {
  const Augmentation a{.pad = 4, .mirror = true};
  std::map<int, int> shifts, mirrors;
  const int draws = 9000;
  for (int i = 0; i < draws; ++i) {
    const AugmentationDraw d = draw_augmentation(a, 1, 0, i, 32, 32);
    ++shifts[d.shift_x];
    ++mirrors[d.mirrored];
  }
  ASSERT_EQ(shifts.size(), 9u);
  ASSERT_EQ(shifts.begin()->first, -4);
  // Five standard deviations of binomial counts.
  for (const auto& [shift, count] : shifts) EXPECT_NEAR(count, 1000, 150) << shift;
  EXPECT_NEAR(mirrors[1], 4500, 240);
}

TEST(Augment, NumbersThatDoNotFitAreRefused) {
  EXPECT_THROW(require_valid({.pad = 32}, 32, 32), ConfigError);
  EXPECT_THROW(require_valid({.cutout = -1}, 32, 32), ConfigError);
  EXPECT_THROW(padding_of("reflekt"), ConfigError);
  EXPECT_EQ(padding_of("reflect"), Padding::kReflect);
}

}  // namespace
}  // namespace hadal::data

// What the figures show is looked at where it can be counted: in the pixels.
#include <array>
#include <cmath>
#include <limits>

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/image/png.h"
#include "experiments/figures/heat_map.h"
#include "experiments/figures/pictures.h"
#include "experiments/figures/plot.h"
#include "experiments/figures/scree.h"

namespace hadal::figures {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

using Rgb = std::array<int, 3>;

Rgb rgb(Colour c) {
  const auto byte = [](double x) { return static_cast<int>(std::lround(255 * x)); };
  return {byte(c.red), byte(c.green), byte(c.blue)};
}

Rgb pixel(const image::Image& image, double x, double y) {
  const auto at = 3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width) +
                       static_cast<std::size_t>(x));
  return {image.pixels[at], image.pixels[at + 1], image.pixels[at + 2]};
}

bool is_near(Rgb a, Rgb b, int tolerance) {
  for (std::size_t i = 0; i < 3; ++i)
    if (std::abs(a[i] - b[i]) > tolerance) return false;
  return true;
}

std::int64_t count(const image::Image& image, Rgb colour, int tolerance = 2) {
  std::int64_t n = 0;
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x) n += is_near(pixel(image, x, y), colour, tolerance);
  return n;
}

// Lightness of CIE L*a*b* from relative luminance.
double lightness(Colour c) {
  const auto linear = [](double x) {
    return x <= 0.04045 ? x / 12.92 : std::pow((x + 0.055) / 1.055, 2.4);
  };
  const double y = 0.2126 * linear(c.red) + 0.7152 * linear(c.green) + 0.0722 * linear(c.blue);
  return 116 * std::cbrt(y) - 16;
}

std::vector<std::string> labels(const std::vector<Tick>& ticks) {
  std::vector<std::string> texts;
  for (const Tick& tick : ticks)
    if (!tick.label.empty()) texts.push_back(tick.label);
  return texts;
}

Series line(const std::vector<double>& y) {
  Series s;
  for (std::size_t i = 0; i < y.size(); ++i) s.x.push_back(static_cast<double>(i));
  s.y = y;
  return s;
}

TEST(Colours, TheSequentialMapRisesEvenlyInLightness) {
  // Oklab's lightness is not CIE's, so steps differ, but none by more than 40 % of the mean.
  const double step = (lightness(sequential(1)) - lightness(sequential(0))) / 10;
  for (int i = 0; i < 10; ++i)
    EXPECT_NEAR(lightness(sequential((i + 1) / 10.0)) - lightness(sequential(i / 10.0)), step,
                0.4 * step)
        << i;
  EXPECT_EQ(sequential(kNaN), kGrid);
  EXPECT_EQ(sequential(7), sequential(1));
}

TEST(Colours, BothSidesOfTheDivergingMapAreEquallyLight) {
  for (const double t : {0.25, 0.5, 1.0})
    EXPECT_NEAR(lightness(diverging(t)), lightness(diverging(-t)), 6) << t;
  EXPECT_GT(lightness(diverging(0)), 95);
}

TEST(Ticks, AreRoundNumbersAndOnALogAxisPowersOfTen) {
  EXPECT_THAT(labels(ticks_between(0, 1, false, 5)),
              ElementsAre("0", "0.2", "0.4", "0.6", "0.8", "1.0"));
  EXPECT_THAT(labels(ticks_between(-3, 21'000, false, 4)),
              ElementsAre("0", "5,000", "10,000", "15,000", "20,000"));
  EXPECT_THAT(labels(ticks_between(1e-7, 1, true, 4)), ElementsAre("10⁻⁶", "0.0001", "0.01", "1"));
  EXPECT_THAT(labels(ticks_between(1, 30, true, 5)), ElementsAre("1", "2", "5", "10", "20"));
}

TEST(Plot, ALineIsDrawnInItsColourAndBreaksAtNan) {
  Plot whole{.series = {line({1, 1, 1, 1})}, .width = 300, .height = 200};
  Plot broken{.series = {line({1, 1, kNaN, 1})}, .width = 300, .height = 200};
  const std::int64_t of_whole = count(to_image(plot(whole), 1), rgb(series_colour(0)));
  const std::int64_t of_broken = count(to_image(plot(broken), 1), rgb(series_colour(0)));
  EXPECT_GT(of_whole, 200);
  EXPECT_GT(of_broken, 50);
  EXPECT_LT(of_broken, of_whole / 2);
}

TEST(Plot, ALogAxisLeavesOutWhatIsNotPositive) {
  Plot p{.y = {.log = true}, .series = {line({0, -1, kNaN})}, .width = 300, .height = 200};
  EXPECT_EQ(count(to_image(plot(p), 1), rgb(series_colour(0))), 0);
}

TEST(Plot, NoDataAndConstantDataStillHaveAxes) {
  EXPECT_NO_THROW(to_image(plot({})));
  EXPECT_NO_THROW(to_image(plot({.series = {line({0})}})));
  EXPECT_NO_THROW(to_image(plot({.y = {.log = true}, .series = {line({1e-200, 1e200})}})));
}

TEST(Plot, SeriesOfUnequalLengthsAreRefused) {
  EXPECT_THROW(plot({.series = {{.label = "s", .x = {1, 2}, .y = {1}}}}), ShapeError);
}

TEST(Scatter, EveryLabelIsASeriesAndStrangeLabelsAreRefused) {
  const Plot p = scatter({1, 2, 3}, {4, 5, 6}, {1, 0, 1}, {"a", "b"});
  EXPECT_THAT(p.series[0].x, ElementsAre(2));
  EXPECT_THAT(p.series[1].y, ElementsAre(4, 6));
  EXPECT_THROW(scatter({1}, {1}, {2}, {"a", "b"}), ShapeError);
}

TEST(Scree, BarsAreAsHighAsTheirShares) {
  const image::Image image =
      to_image(scree({.shares = {0.5, 0.25}, .width = 300, .height = 300}), 1);
  const Rgb blue = rgb(series_colour(0));
  std::vector<std::int64_t> heights(2);
  for (int y = 0; y < image.height; ++y) {
    heights[0] += pixel(image, 90, y) == blue;
    heights[1] += pixel(image, 190, y) == blue;
  }
  // A pixel of each end may be blended, and the curve crosses a bar in up to six.
  EXPECT_NEAR(static_cast<double>(heights[0]), 2.0 * static_cast<double>(heights[1]), 10);
}

TEST(HeatMap, EveryCellHasTheColourOfItsValue) {
  const HeatMap map{.rows = 2, .cols = 2, .values = {0, 1, kNaN, 0.5}, .cell = 50};
  const image::Image image = to_image(heat_map(map), 1);
  EXPECT_TRUE(is_near(pixel(image, 14 + 25, 14 + 25), rgb(sequential(0)), 2));
  EXPECT_TRUE(is_near(pixel(image, 14 + 75, 14 + 25), rgb(sequential(1)), 2));
  EXPECT_TRUE(is_near(pixel(image, 14 + 25, 14 + 75), rgb(kGrid), 2));
  EXPECT_TRUE(is_near(pixel(image, 14 + 75, 14 + 75), rgb(sequential(0.5)), 2));
  EXPECT_THROW(heat_map({.rows = 2, .cols = 2, .values = {1}}), ShapeError);
}

TEST(HeatMap, PixelsClampToTheEnds) {
  const std::vector<double> values = {-5, 0, 5, 10};
  const image::Image image = heat_pixels(values, 1, 4, 0, 5);
  EXPECT_EQ(pixel(image, 0, 0), pixel(image, 1, 0));
  EXPECT_EQ(pixel(image, 2, 0), pixel(image, 3, 0));
  EXPECT_NE(pixel(image, 1, 0), pixel(image, 2, 0));
}

TEST(PictureSheet, ShowsEveryPixelInItsPlace) {
  const image::Image grey{.height = 1, .width = 2, .channels = 1, .pixels = {200, 100}};
  const image::Image red{.height = 1, .width = 2, .channels = 3, .pixels = {255, 0, 0, 9, 9, 9}};
  const image::Image image =
      to_image(picture_sheet({.tiles = {{grey}, {}, {red}}, .columns = 2, .tile_width = 40}), 1);
  // Margins of 10, places of 40 x 20, gaps of 6.
  EXPECT_EQ(pixel(image, 10 + 5, 10 + 10), (Rgb{200, 200, 200}));
  EXPECT_EQ(pixel(image, 10 + 35, 10 + 10), (Rgb{100, 100, 100}));
  EXPECT_EQ(pixel(image, 10 + 46 + 20, 10 + 10), rgb(kPaper));
  EXPECT_EQ(pixel(image, 10 + 5, 10 + 26 + 10), (Rgb{255, 0, 0}));
  EXPECT_EQ(pixel(image, 10 + 35, 10 + 26 + 10), (Rgb{9, 9, 9}));
}

TEST(PictureSheet, RefusesWhatItCannotShow) {
  EXPECT_THROW(picture_sheet({}), ConfigError);
  const image::Image strange{.height = 1, .width = 1, .channels = 2, .pixels = {1, 2}};
  EXPECT_THROW(picture_sheet({.tiles = {{strange}}}), ConfigError);
  const image::Image good{.height = 1, .width = 1, .channels = 1, .pixels = {1}};
  EXPECT_THROW(picture_sheet({.tiles = {{good}}, .row_names = {"a", "b"}}), ShapeError);
  EXPECT_THROW(picture_sheet({.tiles = {{good}}, .tile_width = 1e6}), ConfigError);
}

TEST(PictureSheet, CaptionsMayHoldAnyBytes) {
  const image::Image good{.height = 1, .width = 1, .channels = 1, .pixels = {1}};
  const Figure sheet = picture_sheet(
      {.tiles = {{good, "\xff\xfe a long name that has no room \xc3"}, {good, "\xed\xa0\x80"}},
       .tile_width = 40});
  EXPECT_NO_THROW(to_image(sheet));
  EXPECT_THAT(to_svg(sheet), StartsWith("<?xml"));
}

TEST(MarkedPicture, ABoxIsDrawnAroundItsPixels) {
  image::Image ground{.height = 50, .width = 50, .channels = 1};
  ground.pixels.assign(2500, 0);
  const image::Image image =
      to_image(marked_picture({.image = ground, .boxes = {{10, 20, 20, 10}}, .scale = 2}), 1);
  const Rgb blue = rgb(series_colour(0)), black{0, 0, 0};
  EXPECT_EQ(pixel(image, 20, 50), blue);
  EXPECT_EQ(pixel(image, 60, 50), blue);
  EXPECT_EQ(pixel(image, 40, 40), blue);
  EXPECT_EQ(pixel(image, 40, 50), black);
  EXPECT_EQ(pixel(image, 10, 50), black);
}

TEST(PictureOf, TheLowestIsBlackAndTheHighestWhite) {
  EXPECT_THAT(picture_of({-1, 0, 1}, 1, 3, 1).pixels, ElementsAre(0, 128, 255));
  EXPECT_THAT(picture_of({-9, 0, 9}, 1, 3, 1, -1, 1).pixels, ElementsAre(0, 128, 255));
  EXPECT_THAT(picture_of({4, 4}, 1, 2, 1).pixels, ElementsAre(0, 0));
  EXPECT_THROW(picture_of({1, 2}, 1, 3, 1), ShapeError);
}

TEST(Figure, IsWrittenAsSvgAndPngOfTwiceItsSize) {
  const TemporaryFolder folder;
  write_figure(folder.path(), "scree", scree({.shares = {1}, .width = 300, .height = 200}));
  EXPECT_THAT(read_file(folder.path() / "scree.svg"), HasSubstr("<svg"));
  const image::Image png = image::read_png(folder.path() / "scree.png");
  EXPECT_EQ(png.width, 600);
  EXPECT_EQ(png.height, 400);
}

}  // namespace
}  // namespace hadal::figures

#include "core/image/png.h"

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/random.h"

namespace hadal::image {
namespace {

Image counted(int height, int width, int channels) {
  Image image{.height = height, .width = width, .channels = channels};
  for (int i = 0; i < height * width * channels; ++i)
    image.pixels.push_back(static_cast<std::uint8_t>(i * 7));
  return image;
}

TEST(Png, GivesBackEveryPixel) {
  TemporaryFolder folder;
  for (const Image& image : {counted(1, 1, 1), counted(5, 7, 1), counted(9, 4, 3)}) {
    write_png(folder.path() / "x.png", image);
    EXPECT_EQ(read_png(folder.path() / "x.png"), image);
  }
}

TEST(Png, PicturesThatCannotBeAreRefused) {
  EXPECT_THROW(encode_png(counted(2, 2, 2)), ShapeError);
  EXPECT_THROW(encode_png(Image{}), ShapeError);
  Image torn = counted(2, 2, 3);
  torn.pixels.pop_back();
  EXPECT_THROW(encode_png(torn), ShapeError);
}

TEST(Png, DamagedFilesAreDataErrors) {
  const std::string good = encode_png(counted(20, 20, 3));
  EXPECT_THROW(decode_png("no picture", "x.png"), DataError);
  EXPECT_THROW(decode_png(good.substr(0, good.size() / 2), "x.png"), DataError);
  std::string huge = good;
  huge[17] = 0x0f;  // width: a million
  EXPECT_THROW(decode_png(huge, "x.png"), DataError);
}

TEST(Png, MutatedFilesAreRefusedOrGiveAPictureOfTheRightSize) {
  const std::string good = encode_png(counted(16, 16, 3));
  const random::Stream stream{.seed = 1, .purpose = random::Purpose::kTest};
  int refused = 0;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    std::string bytes = good;
    bytes[random::below(stream, static_cast<std::uint32_t>(bytes.size()), 2 * i)] =
        static_cast<char>(random::bits(stream, 2 * i + 1));
    try {
      const Image image = decode_png(bytes, "x.png");
      EXPECT_EQ(image.pixels.size(),
                static_cast<std::size_t>(image.height * image.width * image.channels));
    } catch (const DataError&) {
      ++refused;
    }
  }
  // Chunks carry CRCs, but libspng looks at nothing after the last row.
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace hadal::image

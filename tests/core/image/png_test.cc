#include "core/image/png.h"

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "tests/core/image/made_images.h"

namespace hadal::image {
namespace {

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

TEST(Png, GreyWithAlphaOrOfSixteenBitsStaysGrey) {
  // One row of two pixels, made with Python's zlib and struct; (200, opaque), (30, transparent).
  const std::string alpha(
      "\211PNG\015\012\032\012\000\000\000\015IHDR\000\000\000\002\000\000\000\001\010\004\000\000"
      "\000^+\267\001\000\000\000\020IDATx\001\001\005\000\372\377\000\310\377\036\000\006^\001\346"
      "\004&8v\000\000\000\000IEND\256B`\202",
      73);
  // 200 * 256 + 7, 30 * 256 + 9.
  const std::string deep(
      "\211PNG\015\012\032\012\000\000\000\015IHDR\000\000\000\002\000\000\000\001\020\000\000\000"
      "\000\201\331\374\025\000\000\000\020IDATx\001\001\005\000\372\377\000\310\007\036\011\003"
      "\177"
      "\000\367#]\343\357\000\000\000\000IEND\256B`\202",
      73);
  const Image wanted{.height = 1, .width = 2, .channels = 1, .pixels = {200, 30}};
  for (const std::string& file : {alpha, deep}) {
    EXPECT_EQ(decode_png(file, "x.png"), wanted);
    EXPECT_EQ(png_size(file.substr(0, 33), "x.png"), (ImageSize{1, 2, 1}));
  }
}

TEST(Png, MutatedFilesAreRefusedOrGiveAPictureOfTheRightSize) {
  const std::string good = encode_png(counted(16, 16, 3));
  const int refused = refused_mutations(
      good, 2000, [](const std::string& bytes) { return decode_png(bytes, "x.png"); });
  // Chunks carry CRCs, but libspng looks at nothing after the last row.
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace hadal::image

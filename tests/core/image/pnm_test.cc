#include "core/image/pnm.h"

#include <gmock/gmock.h>

#include "core/base/files.h"
#include "tests/core/image/made_images.h"

namespace hadal::image {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using namespace std::string_literals;

std::string error_of(const std::string& bytes) {
  try {
    decode_pnm(bytes, "x.pgm");
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

TEST(Pnm, GivesBackEveryPixel) {
  TemporaryFolder folder;
  for (const Image& image : {counted(1, 1, 1), counted(5, 7, 1), counted(9, 4, 3)}) {
    write_pnm(folder.path() / "x.ppm", image);
    EXPECT_EQ(read_pnm(folder.path() / "x.ppm"), image);
  }
}

TEST(Pnm, WritesTheHeaderThatEveryoneReads) {
  EXPECT_EQ(encode_pnm({.height = 1, .width = 2, .channels = 1, .pixels = {65, 66}}),
            "P5\n2 1\n255\nAB");
  EXPECT_EQ(encode_pnm({.height = 1, .width = 1, .channels = 3, .pixels = {65, 66, 67}}),
            "P6\n1 1\n255\nABC");
  EXPECT_THROW(encode_pnm(counted(2, 2, 2)), ShapeError);
}

TEST(Pnm, PlainFilesAndCommentsAreRead) {
  const Image grey =
      decode_pnm("P2 # a comment\n# another\n 3 2\n255\n0 1 2\n253 254 255", "x.pgm");
  EXPECT_EQ(grey.height, 2);
  EXPECT_THAT(grey.pixels, ElementsAre(0, 1, 2, 253, 254, 255));
  const Image colour = decode_pnm("P3\n1 2\n255\n1 2 3 # red, green, blue\n4 5 6\n", "x.ppm");
  EXPECT_EQ(colour.channels, 3);
  EXPECT_THAT(colour.pixels, ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(Pnm, SamplesOfAnyMaximumBecomeBytes) {
  EXPECT_THAT(decode_pnm("P2 4 1 15 0 1 8 15", "x").pixels, ElementsAre(0, 17, 136, 255));
  EXPECT_THAT(decode_pnm("P2 3 1 65535 0 32768 65535", "x").pixels, ElementsAre(0, 128, 255));
  // Two bytes a sample, the high one first.
  EXPECT_THAT(decode_pnm("P5 2 1 1023\n\x03\xff\x02\x00"s, "x").pixels, ElementsAre(255, 128));
}

TEST(Pnm, SamplesThatLookLikeTextAreNone) {
  EXPECT_THAT(decode_pnm("P5 2 1 255\n# ", "x").pixels, ElementsAre('#', ' '));
  EXPECT_THAT(decode_pnm("P5 2 1 255\n\n\n", "x").pixels, ElementsAre('\n', '\n'));
}

TEST(Pnm, TheSizeOfABeginningIsKnownOnceTheHeaderIsThere) {
  EXPECT_EQ(pnm_size("P6\n12 7\n255\n", "x"), (ImageSize{7, 12, 3}));
  EXPECT_EQ(pnm_size("P6\n12 7\n25", "x"), std::nullopt);
}

TEST(Pnm, DamageIsToldInOneLine) {
  EXPECT_THAT(error_of("P5 2 2 255\nabc"), HasSubstr("truncated: 3 bytes of data for 2x2x1"));
  EXPECT_THAT(error_of("P2 2 1 255\n1 "), HasSubstr("truncated"));
  EXPECT_THAT(error_of("P2 2 1 255\n100"), HasSubstr("truncated: 1 samples, wanted 2"));
  EXPECT_THAT(error_of("P5 1 1 255\nab"), HasSubstr("1 bytes left over"));
  EXPECT_THAT(error_of("P2 2 1 7\n3 8"), HasSubstr("a sample of 8"));
  EXPECT_THAT(error_of("P2 2 1 255\n3 -8"), HasSubstr("wanted a number at byte"));
  EXPECT_THAT(error_of("P5 0 1 255\n"), HasSubstr("1x0 pixels"));
  EXPECT_THAT(error_of("P5 99999 99999 255\n"), HasSubstr("at most 100000000 pixels"));
  EXPECT_THAT(error_of("P5 1 1 65536\nab"), HasSubstr("65535"));
  EXPECT_THAT(error_of("P4 8 1\nx"), HasSubstr("P2, P3, P5 or P6"));
  EXPECT_THAT(error_of("P5 3"), HasSubstr("truncated in its header"));
}

TEST(Pnm, MutatedFilesAreRefusedOrGiveAPictureOfTheRightSize) {
  const auto decode = [](const std::string& bytes) { return decode_pnm(bytes, "x.pgm"); };
  std::string plain = "P3 # comment\n5 4\n300\n";
  for (int i = 0; i < 60; ++i) plain += std::to_string(i * 5) + (i % 7 == 0 ? "\n" : " ");
  EXPECT_GT(refused_mutations(encode_pnm(counted(12, 9, 3)), 4000, decode), 1000);
  EXPECT_GT(refused_mutations(plain, 4000, decode), 1000);
}

}  // namespace
}  // namespace hadal::image

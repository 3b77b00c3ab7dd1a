#include "core/image/jpeg.h"

#include <cstdlib>
#include <memory>

#include <gmock/gmock.h>
#include <turbojpeg.h>

#include "core/base/files.h"
#include "tests/core/image/made_images.h"

namespace hadal::image {
namespace {

using ::testing::HasSubstr;

// `format` is TurboJPEG's; pixels in as many channels as it has.
std::string encode(const Image& image, int format, int sampling, int flags = 0) {
  const std::unique_ptr<void, int (*)(tjhandle)> encoder(tjInitCompress(), &tjDestroy);
  unsigned char* buffer = nullptr;
  unsigned long bytes = 0;
  EXPECT_EQ(tjCompress2(encoder.get(), image.pixels.data(), image.width, 0, image.height, format,
                        &buffer, &bytes, sampling, 95, flags),
            0);
  std::string file(reinterpret_cast<const char*>(buffer), bytes);
  tjFree(buffer);
  return file;
}

// Smooth, so that little is lost.
Image ramp(int height, int width, int channels) {
  Image image{.height = height, .width = width, .channels = channels};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c)
        image.pixels.push_back(static_cast<std::uint8_t>(40 + 3 * y + 2 * x + 20 * c));
  return image;
}

std::string encode_grey(const Image& image) { return encode(image, TJPF_GRAY, TJSAMP_GRAY); }
std::string encode_rgb(const Image& image) { return encode(image, TJPF_RGB, TJSAMP_444); }

// After the two bytes that every JPEG starts with.
std::string with_segment(const std::string& jpeg, char marker, const std::string& contents) {
  const std::size_t length = contents.size() + 2;
  return jpeg.substr(0, 2) + '\xff' + marker + static_cast<char>(length >> 8) +
         static_cast<char>(length & 255) + contents + jpeg.substr(2);
}

std::string exif(int orientation, bool big_endian) {
  const std::string value(1, static_cast<char>(orientation));
  using namespace std::string_literals;
  // Byte order, offset of the directory, one entry: orientation, of type short, one value.
  return big_endian
             ? "Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"s + value + "\0\0"s
             : "Exif\0\0II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0"s + value + "\0\0\0"s;
}

int largest_difference(const Image& a, const Image& b) {
  EXPECT_EQ(a.pixels.size(), b.pixels.size());
  int largest = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i)
    largest = std::max(largest, std::abs(a.pixels[i] - b.pixels[i]));
  return largest;
}

TEST(Jpeg, GreyAndColourPicturesComeBackNearly) {
  for (const int channels : {1, 3}) {
    const Image image = ramp(19, 24, channels);
    const std::string file = channels == 1 ? encode_grey(image) : encode_rgb(image);
    const Image back = decode_jpeg(file, "x.jpg");
    EXPECT_EQ(back.height, 19);
    EXPECT_EQ(back.width, 24);
    EXPECT_EQ(back.channels, channels);
    // Quality 95 quantizes a ramp's few coefficients by steps of 1 to 3.
    EXPECT_LE(largest_difference(back, image), 4);
    EXPECT_EQ(jpeg_size(file, "x.jpg"), (ImageSize{19, 24, channels}));
  }
}

TEST(Jpeg, ProgressiveAndSubsampledPicturesAreRead) {
  const Image image = ramp(33, 17, 3);
  const Image back = decode_jpeg(encode(image, TJPF_RGB, TJSAMP_420, TJFLAG_PROGRESSIVE), "x.jpg");
  EXPECT_LE(largest_difference(back, image), 8);
}

TEST(Jpeg, ThePictureIsTurnedUprightAsItsExifOrientationSays) {
  // Stored with four corners that can be told apart; where the stored top left corner belongs in
  // the upright picture, and the one to its right, by the definition of the tag's eight values.
  Image stored{.height = 16, .width = 24, .channels = 1};
  for (int y = 0; y < 16; ++y)
    for (int x = 0; x < 24; ++x)
      stored.pixels.push_back(
          static_cast<std::uint8_t>(y < 8 ? (x < 12 ? 0 : 80) : (x < 12 ? 160 : 240)));
  // Corners of the upright picture, from top left by rows: which stored values they have.
  const int corners[8][4] = {{0, 80, 160, 240}, {80, 0, 240, 160}, {240, 160, 80, 0},
                             {160, 240, 0, 80}, {0, 160, 80, 240}, {160, 0, 240, 80},
                             {240, 80, 160, 0}, {80, 240, 0, 160}};
  for (int orientation = 1; orientation <= 8; ++orientation)
    for (const bool big_endian : {false, true}) {
      SCOPED_TRACE(orientation);
      const std::string file =
          with_segment(encode_grey(stored), '\xe1', exif(orientation, big_endian));
      const Image image = decode_jpeg(file, "x.jpg");
      const bool exchanged = orientation >= 5;
      ASSERT_EQ(image.height, exchanged ? 24 : 16);
      ASSERT_EQ(image.width, exchanged ? 16 : 24);
      EXPECT_EQ(jpeg_size(file, "x.jpg"), (ImageSize{image.height, image.width, 1}));
      const auto at = [&](int y, int x) {
        return image.pixels[static_cast<std::size_t>(y * image.width + x)];
      };
      const int got[4] = {at(1, 1), at(1, image.width - 2), at(image.height - 2, 1),
                          at(image.height - 2, image.width - 2)};
      for (int i = 0; i < 4; ++i) EXPECT_NEAR(got[i], corners[orientation - 1][i], 20) << i;
    }
}

TEST(Jpeg, AnExifSegmentThatIsDamagedLeavesThePictureAsItIs) {
  const std::string jpeg = encode_grey(ramp(16, 24, 1));
  const std::string whole = exif(6, true);
  for (std::size_t bytes = 6; bytes < whole.size() - 3; ++bytes)
    EXPECT_EQ(jpeg_size(with_segment(jpeg, '\xe1', whole.substr(0, bytes)), "x.jpg"),
              (ImageSize{16, 24, 1}));
}

TEST(Jpeg, CmykIsConvertedToRgb) {
  // Equal cyan, magenta and yellow, which TurboJPEG stores as luma 255 - 155 = 100, chroma 128, and
  // black as it is.
  Image inks{.height = 8, .width = 8, .channels = 4};
  for (int i = 0; i < 64; ++i) inks.pixels.insert(inks.pixels.end(), {155, 155, 155, 51});
  const std::string adobe = encode(inks, TJPF_CMYK, TJSAMP_444);
  const Image rgb = decode_jpeg(adobe, "x.jpg");
  ASSERT_EQ(rgb.channels, 3);
  // Adobe's programs store 255 minus the ink: 155 * 51 / 255.
  for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(rgb.pixels[c], 31, 2) << c;
  // Without their mark the four components are the inks themselves: 100, 128, 128, 51.
  std::string plain = adobe;
  plain.replace(plain.find("Adobe"), 5, "Other");
  const Image other = decode_jpeg(plain, "x.jpg");
  EXPECT_NEAR(other.pixels[0], 124, 2);  // (255 - 100) * (255 - 51) / 255
  EXPECT_NEAR(other.pixels[1], 102, 2);
  EXPECT_NEAR(other.pixels[2], 102, 2);
}

TEST(Jpeg, TheSizeOfABeginningIsKnownOnceTheFrameHeaderIsThere) {
  const std::string file = encode_rgb(ramp(10, 12, 3));
  EXPECT_EQ(jpeg_size(file.substr(0, 20), "x.jpg"), std::nullopt);
  EXPECT_EQ(jpeg_size(file.substr(0, file.size() / 2), "x.jpg"), (ImageSize{10, 12, 3}));
}

TEST(Jpeg, DamagedFilesAreDataErrors) {
  const std::string good = encode_rgb(ramp(40, 40, 3));
  EXPECT_THROW(decode_jpeg("", "x.jpg"), DataError);
  EXPECT_THROW(decode_jpeg("no picture", "x.jpg"), DataError);
  EXPECT_THROW(decode_jpeg(good.substr(0, 20), "x.jpg"), DataError);
  EXPECT_THROW(decode_jpeg(good.substr(0, good.size() - 100), "x.jpg"), DataError);
  std::string huge = good;
  const std::size_t frame = huge.find("\xff\xc0");
  huge[frame + 5] = huge[frame + 7] = '\x70';
  EXPECT_THROW(decode_jpeg(huge, "x.jpg"), DataError);  // 28,000 x 28,000 is too much
  huge[frame + 5] = huge[frame + 7] = '\x20';
  try {
    decode_jpeg(huge, "x.jpg");
    FAIL();
  } catch (const DataError& error) {  // 8,232 x 8,232 is not, but these bytes cannot hold it
    EXPECT_THAT(error.what(), HasSubstr("bytes cannot hold 8232x8232 pixels"));
  }
}

TEST(Jpeg, MutatedFilesAreRefusedOrGiveAPictureOfTheRightSize) {
  const auto decode = [](const std::string& bytes) { return decode_jpeg(bytes, "x.jpg"); };
  const std::string grey = with_segment(encode_grey(counted(16, 16, 1)), '\xe1', exif(6, true));
  const std::string colour = encode(counted(16, 24, 3), TJPF_RGB, TJSAMP_420, TJFLAG_PROGRESSIVE);
  EXPECT_GT(refused_mutations(grey, 1000, decode), 300);
  EXPECT_GT(refused_mutations(colour, 1000, decode), 300);
}

}  // namespace
}  // namespace hadal::image

#include "core/image/read_image.h"

#include <gtest/gtest.h>

#include "core/base/files.h"
#include "core/image/png.h"
#include "core/image/pnm.h"
#include "tests/core/image/made_images.h"

namespace hadal::image {
namespace {

TEST(ReadImage, TheFirstBytesDecideAndNotTheName) {
  TemporaryFolder folder;
  const Image image = counted(6, 5, 3);
  const auto path = folder.path() / "picture.jpg";
  for (const std::string& bytes : {encode_png(image), encode_pnm(image)}) {
    write_file_atomically(path, bytes);
    EXPECT_EQ(read_image(path), image);
    EXPECT_EQ(read_image_size(path), (ImageSize{6, 5, 3}));
  }
}

TEST(ReadImage, AHeaderBehindALongCommentIsFound) {
  TemporaryFolder folder;
  write_file_atomically(folder.path() / "x.pgm",
                        "P5\n#" + std::string(100000, '-') + "\n1 1\n255\na");
  EXPECT_EQ(read_image_size(folder.path() / "x.pgm"), (ImageSize{1, 1, 1}));
  write_file_atomically(folder.path() / "y.pgm", "P5\n#" + std::string(100000, '-'));
  EXPECT_THROW(read_image_size(folder.path() / "y.pgm"), DataError);
}

TEST(ReadImage, OtherFilesAreRefused) {
  TemporaryFolder folder;
  write_file_atomically(folder.path() / "x.png", "GIF89a");
  EXPECT_THROW(read_image(folder.path() / "x.png"), DataError);
  EXPECT_THROW(read_image_size(folder.path() / "x.png"), DataError);
  EXPECT_THROW(read_image(folder.path() / "none.png"), IoError);
}

TEST(ReadImage, NamesOfPicturesAreKnownInAnyCase) {
  EXPECT_TRUE(has_image_name("a/b.JPEG"));
  EXPECT_TRUE(has_image_name("b.pgm"));
  EXPECT_FALSE(has_image_name("pgm"));
  EXPECT_FALSE(has_image_name("labels.csv"));
}

}  // namespace
}  // namespace hadal::image

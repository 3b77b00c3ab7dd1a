#include "experiments/studies/eigenfaces/face_folder.h"

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/image/png.h"
#include "core/image/pnm.h"

namespace hadal::eigenfaces {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

image::Image flat(int height, int width, std::uint8_t grey, int channels = 1) {
  return {.height = height,
          .width = width,
          .channels = channels,
          .pixels =
              std::vector<std::uint8_t>(static_cast<std::size_t>(height * width * channels), grey)};
}

class FaceFolder : public testing::Test {
 protected:
  void put(const std::string& name, const image::Image& image) const {
    const std::filesystem::path path = root_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    name.ends_with(".png") ? image::write_png(path, image) : image::write_pnm(path, image);
  }
  const TemporaryFolder root_;
};

TEST_F(FaceFolder, ReadsPeopleAndPicturesInTheOrderOfTheirNumbers) {
  put("s10/1.pgm", flat(3, 2, 7));
  put("s2/10.pgm", flat(3, 2, 6));
  put("s2/9.png", flat(3, 2, 5, 3));  // colour becomes grey
  write_file_atomically(root_.path() / "s2" / "notes.txt", "no picture");
  const Pictures faces = read_faces(root_.path());
  EXPECT_THAT(faces.people, ElementsAre("s2", "s10"));
  EXPECT_THAT(faces.files, ElementsAre("s2/9.png", "s2/10.pgm", "s10/1.pgm"));
  EXPECT_THAT(faces.labels, ElementsAre(0, 0, 1));
  EXPECT_EQ(faces.height, 3);
  EXPECT_EQ(faces.picture(0)[0], 5);
  EXPECT_EQ(faces.picture(2)[5], 7);
}

TEST_F(FaceFolder, PicturesAloneAreOfOnePerson) {
  put("anna/1.pgm", flat(3, 2, 7));
  EXPECT_THAT(read_faces(root_.path() / "anna").people, ElementsAre("anna"));
}

TEST_F(FaceFolder, PicturesOfDifferentSizesAreRefused) {
  put("a/1.pgm", flat(3, 2, 7));
  put("b/1.pgm", flat(4, 2, 7));
  EXPECT_THAT([&] { read_faces(root_.path()); },
              ThrowsMessage<DataError>(HasSubstr("4x2 pixels, but a/1.pgm has 3x2")));
}

TEST_F(FaceFolder, WithoutPicturesIsRefused) {
  EXPECT_THAT([&] { read_faces(root_.path()); },
              ThrowsMessage<DataError>(HasSubstr("no pictures")));
  EXPECT_THROW(read_faces(root_.path() / "nowhere"), IoError);
}

TEST_F(FaceFolder, DamagedPicturesAreNamed) {
  put("a/1.pgm", flat(3, 2, 7));
  write_file_atomically(root_.path() / "a" / "2.pgm", "P5 3 2 255 x");
  EXPECT_THAT([&] { read_faces(root_.path()); }, ThrowsMessage<DataError>(HasSubstr("2.pgm")));
}

TEST(RandomWindows, AreOfTheSizeAskedForAndLieInsidePhotographs) {
  const std::vector<image::Image> photographs{flat(30, 40, 9), flat(5, 90, 200)};
  for (const bool scaled : {false, true}) {
    const Pictures windows = random_windows(photographs, 10, 8, 25, scaled, 3);
    EXPECT_EQ(windows.count(), 25);
    // The second photograph is too low for a window.
    for (const std::uint8_t pixel : windows.pixels) EXPECT_EQ(pixel, 9);
  }
  EXPECT_THROW(random_windows(photographs, 31, 8, 1, true, 3), DataError);
}

}  // namespace
}  // namespace hadal::eigenfaces

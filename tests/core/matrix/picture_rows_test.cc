#include "core/matrix/picture_rows.h"

#include <filesystem>

#include <gmock/gmock.h>

#include "core/base/files.h"
#include "core/image/png.h"
#include "core/image/pnm.h"
#include "tests/core/matrix/read_all.h"

namespace hadal::matrix {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

image::Image filled(int height, int width, std::vector<std::uint8_t> pixel) {
  image::Image image{.height = height, .width = width, .channels = static_cast<int>(pixel.size())};
  for (int i = 0; i < height * width; ++i)
    image.pixels.insert(image.pixels.end(), pixel.begin(), pixel.end());
  return image;
}

class PictureRows : public ::testing::Test {
 protected:
  fs::path write(const std::string& name, const image::Image& image) {
    const fs::path path = folder_.path() / name;
    fs::create_directories(path.parent_path());
    if (path.extension() == ".png")
      image::write_png(path, image);
    else
      image::write_pnm(path, image);
    return path;
  }
  std::unique_ptr<RowSource> open(const PictureOptions& options = {}) {
    return open_pictures(pictures_below(folder_.path()), options);
  }

  TemporaryFolder folder_;
};

TEST_F(PictureRows, SubFoldersAreLabelsAndTenComesAfterTwo) {
  write("s10/1.pgm", filled(2, 3, {101}));
  write("s2/10.pgm", filled(2, 3, {30}));
  write("s2/9.png", filled(2, 3, {20}));
  write("s2/notes/README.pgm.txt", filled(1, 1, {0}));
  write("s2/.hidden.pgm", filled(1, 1, {0}));
  const auto rows = open();
  EXPECT_EQ(rows->rows(), 3);
  EXPECT_EQ(rows->cols(), 6);
  EXPECT_EQ(rows->element(), Element::kU8);
  EXPECT_THAT(read_block(*rows, 0, 3, 5, 1), ElementsAre(20, 30, 101));
  EXPECT_THAT(rows->labels(), ElementsAre(0, 0, 1));
  EXPECT_THAT(rows->label_names(), ElementsAre("s2", "s10"));
  ASSERT_TRUE(rows->picture());
  EXPECT_EQ(rows->picture()->height, 2);
  EXPECT_EQ(rows->picture()->width, 3);
  EXPECT_EQ(rows->name(), folder_.path().string());
}

TEST_F(PictureRows, OneFolderHasNoLabels) {
  write("a.pgm", filled(1, 1, {1}));
  write("b.pgm", filled(1, 1, {2}));
  EXPECT_THAT(open()->labels(), IsEmpty());
}

TEST_F(PictureRows, ARowIsThePictureByPixels) {
  const image::Image image{.height = 1, .width = 2, .channels = 3, .pixels = {1, 2, 3, 4, 5, 6}};
  write("a.ppm", image);
  const auto rows = open();
  EXPECT_THAT(read_all(*rows), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(rows->picture()->channels, 3);
  EXPECT_FALSE(rows->picture()->planar);
}

TEST_F(PictureRows, GreyAmongColourBecomesColourUnlessGreyIsAskedFor) {
  write("a.pgm", filled(1, 1, {9}));
  write("b.ppm", filled(1, 1, {255, 0, 0}));
  EXPECT_THAT(read_all(*open()), ElementsAre(9, 9, 9, 255, 0, 0));
  EXPECT_THAT(read_all(*open({.grey = true})), ElementsAre(9, 76));
}

TEST_F(PictureRows, ThePictureOfAnotherSizeIsNamedWithTheWayOut) {
  for (const char* name : {"1.pgm", "2.pgm", "4.pgm"}) write(name, filled(4, 6, {7}));
  write("3.pgm", filled(6, 4, {7}));
  EXPECT_THAT(error_of([&] { open(); }),
              AllOf(HasSubstr("3.pgm: a picture of 6x4, most of the 4 are 4x6"),
                    HasSubstr("--resize 4x6")));
  const auto rows = open({.resize = PictureSize{2, 2}});
  EXPECT_EQ(rows->cols(), 4);
  EXPECT_THAT(read_all(*rows), Each(7));
  EXPECT_THAT(error_of([&] { open({.resize = PictureSize{0, 2}}); }), HasSubstr("one pixel"));
}

TEST_F(PictureRows, APictureIsDecodedOnce) {
  const fs::path path = write("a.png", filled(3, 3, {5}));
  write("b.png", filled(3, 3, {6}));
  const auto rows = open();
  EXPECT_THAT(read_block(*rows, 0, 1, 0, 9), Each(5));
  fs::remove(path);
  EXPECT_THAT(read_block(*rows, 0, 2, 8, 1), ElementsAre(5, 6));
}

TEST_F(PictureRows, PicturesThatCannotBeReadAreNamed) {
  const fs::path path = write("a.pgm", filled(3, 3, {5}));
  write_file_atomically(folder_.path() / "b.jpg", "no picture");
  EXPECT_THAT(error_of([&] { open(); }), HasSubstr("b.jpg: not a picture that is read"));
  fs::remove(folder_.path() / "b.jpg");
  const auto rows = open();
  fs::resize_file(path, 12);
  EXPECT_THAT(error_of([&] { read_all(*rows); }), HasSubstr("a.pgm"));
  fs::remove(path);
  EXPECT_THAT(error_of([&] { open(); }), HasSubstr("no pictures"));
}

}  // namespace
}  // namespace hadal::matrix

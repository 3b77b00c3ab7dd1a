#include "core/matrix/open_rows.h"

#include <filesystem>

#include <gmock/gmock.h>

#include "core/base/files.h"
#include "core/image/pnm.h"
#include "core/matrix/npy_writer.h"
#include "tests/core/data/made_files.h"
#include "tests/core/matrix/made_files.h"
#include "tests/core/matrix/read_all.h"

namespace hadal::matrix {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class OpenRows : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& contents) {
    const fs::path path = folder_.path() / name;
    fs::create_directories(path.parent_path());
    write_file_atomically(path, contents);
    return path;
  }
  std::string write(const std::string& name, const data::Bytes& contents) {
    return write(name, std::string(contents.begin(), contents.end()));
  }
  std::string picture(const std::string& name, std::uint8_t value) {
    return write(name, image::encode_pnm(
                           {.height = 1, .width = 2, .channels = 1, .pixels = {value, value}}));
  }
  std::string folder() const { return folder_.path(); }

  TemporaryFolder folder_;
};

std::string error(const std::vector<std::string>& paths, const OpenOptions& options = {}) {
  return error_of([&] { open_rows(paths, options); });
}

TEST_F(OpenRows, TheContentDecidesAndNotTheName) {
  const std::vector<float> values = {1, 2};
  EXPECT_THAT(read_all(*open_rows(
                  {write("a", npy_file(npy_header("<f4", "(1, 2)"), bytes_of_values(values)))})),
              ElementsAre(1, 2));
  EXPECT_THAT(read_all(*open_rows({write("b.dat", kStoredNpz)})), ElementsAre(1, 2.5, -3, 4));
  EXPECT_THAT(read_all(*open_rows({write("c.txt", "1 2\n")})), ElementsAre(1, 2));
  EXPECT_THAT(read_all(*open_rows({write("d", "P2 2 1 255\n3 4\n")})), ElementsAre(3, 4));
  EXPECT_THAT(error({write("e.xls", std::string("\xd0\xcf\x11\xe0\0\0", 6))}),
              HasSubstr("of no form that is read"));
  EXPECT_THAT(error({write("f.csv.gz", data::gzipped({'1', ',', '2', '\n'}))}),
              HasSubstr("of no form that is read"));
}

TEST_F(OpenRows, AnArrayOfAnNpzIsNamedInThePathOrTheOptions) {
  const std::string path = write("x.npz", kDeflatedNpz);
  EXPECT_EQ(open_rows({path + ":n"})->rows(), 3);
  EXPECT_EQ(open_rows({path}, {.key = "n"})->rows(), 3);
  EXPECT_EQ(open_rows({path})->rows(), 2);
  EXPECT_THAT(error({path + ":nn"}), HasSubstr("did you mean 'n'?"));
}

TEST_F(OpenRows, IdxFilesFindTheirLabels) {
  for (const bool zipped : {false, true}) {
    const auto packed = [&](const data::Bytes& b) { return zipped ? data::gzipped(b) : b; };
    const std::string end = zipped ? ".gz" : "", part = zipped ? "zipped/" : "";
    const std::string images =
        write(part + "t10k-images-idx3-ubyte" + end, packed(data::idx_images(12, 3, 4)));
    EXPECT_THAT(open_rows({images})->labels(), IsEmpty());
    // Beside the images, whether or not they are zipped too.
    const std::string labels = write(part + "t10k-labels-idx1-ubyte", data::idx_labels(12));
    const auto rows = open_rows({images});
    EXPECT_EQ(rows->rows(), 12);
    EXPECT_EQ(rows->cols(), 12);
    EXPECT_EQ(rows->picture()->width, 4);
    EXPECT_EQ(rows->picture()->height, 3);
    EXPECT_EQ(rows->labels()[11], 1);
    EXPECT_EQ(rows->label_names().size(), 10u);
    EXPECT_EQ(read_block(*rows, 5, 1, 4 * 2 + 1, 1)[0], data::made_pixel(5, 2, 1, 0));
    EXPECT_EQ(read_all(*open_rows({labels}))[11], 1);  // a matrix of one column
    write(part + "t10k-labels-idx1-ubyte", data::idx_labels(11));
    EXPECT_THAT(error({images}), HasSubstr("no labels for the 12 rows"));
  }
}

TEST_F(OpenRows, IdxFilesOfOtherTypesAreMatrices) {
  using namespace std::string_literals;
  const auto rows =
      open_rows({write("x.idx", "\0\0\x0b\x02\0\0\0\x01\0\0\0\x02\xff\xfe\x01\x00"s)});
  EXPECT_EQ(rows->element(), Element::kF32);
  EXPECT_THAT(read_all(*rows), ElementsAre(-2, 256));
}

TEST_F(OpenRows, DamagedIdxFilesAreRefused) {
  data::Bytes cut = data::idx_images(3, 4, 4);
  cut.pop_back();
  EXPECT_THAT(error({write("a.idx", cut)}), HasSubstr("truncated: 3x4x4 u8 needs 64 bytes"));
  EXPECT_THAT(error({write("b.gz", data::gzipped(cut))}), HasSubstr("truncated"));
  data::Bytes long_file = data::idx_images(3, 4, 4);
  long_file.push_back(0);
  EXPECT_THAT(error({write("c.idx", long_file)}), HasSubstr("1 bytes left over"));
  EXPECT_THAT(error({write("d.gz", data::gzipped(long_file))}), HasSubstr("more than the 48"));
  data::Bytes bomb = data::idx_images(3, 4, 4);
  bomb[4] = 0x7f;
  EXPECT_THAT(error({write("e.gz", data::gzipped(bomb))}), HasSubstr("cannot be packed"));
}

TEST_F(OpenRows, CifarFilesLieChannelByChannel) {
  for (const int label_bytes : {1, 2}) {
    const std::string path = write("x.bin", data::cifar_file(7, label_bytes));
    for (const FileAccess access : {FileAccess::kMap, FileAccess::kRead}) {
      const auto rows = open_rows({path}, {.use = {.access = access}});
      EXPECT_EQ(rows->rows(), 7);
      EXPECT_EQ(rows->cols(), 3072);
      EXPECT_TRUE(rows->picture()->planar);
      EXPECT_EQ(rows->picture()->channels, 3);
      EXPECT_THAT(rows->labels(), ElementsAre(0, 1, 2, 3, 4, 5, 6));
      EXPECT_EQ(rows->label_names().size(), label_bytes == 1 ? 10u : 100u);
      EXPECT_EQ(rows->in_place(0, 2), nullptr);  // a label lies between
      EXPECT_EQ(rows->in_place(6, 1) != nullptr, access == FileAccess::kMap);
      EXPECT_EQ(read_block(*rows, 6, 1, 2 * 1024 + 32 * 5 + 3, 1)[0], data::made_pixel(6, 5, 3, 2));
    }
  }
  data::Bytes torn = data::cifar_file(2, 1);
  torn.pop_back();
  EXPECT_THAT(error({write("y.bin", torn)}), HasSubstr("no records of CIFAR-10"));
}

TEST_F(OpenRows, FoldersAreWhatTheirFilesAre) {
  for (const int batch : {1, 2, 5})
    write("cifar/data_batch_" + std::to_string(batch) + ".bin", data::cifar_file(batch, 1));
  write("cifar/test_batch.bin", data::cifar_file(4, 1));
  EXPECT_EQ(open_rows({folder() + "/cifar"})->rows(), 8);
  write("mnist/train-images-idx3-ubyte.gz", data::gzipped(data::idx_images(5, 2, 2)));
  write("mnist/t10k-images-idx3-ubyte.gz", data::gzipped(data::idx_images(6, 2, 2)));
  EXPECT_EQ(open_rows({folder() + "/mnist"})->rows(), 5);
  picture("faces/s1/1.pgm", 1);
  picture("faces/s2/1.pgm", 2);
  EXPECT_THAT(open_rows({folder() + "/faces"})->labels(), ElementsAre(0, 1));
  fs::create_directories(folder_.path() / "empty");
  EXPECT_THAT(error({folder() + "/empty"}), HasSubstr("a folder without pictures"));
}

TEST_F(OpenRows, SeveralFilesAreMoreRows) {
  std::vector<double> values;
  for (int i = 0; i < 60; ++i) values.push_back(0.1 * i);
  write_npy(folder_.path() / "all.npy", values, {20, 3});
  std::vector<std::string> parts;
  int row = 0;
  for (const int rows : {1, 7, 0, 10, 2}) {
    parts.push_back(folder() + "/part" + std::to_string(parts.size()) + ".npy");
    write_npy(parts.back(),
              std::span(values).subspan(static_cast<std::size_t>(3 * row),
                                        static_cast<std::size_t>(3 * rows)),
              {rows, 3});
    row += rows;
  }
  const auto whole = open_rows({folder() + "/all.npy"}), joined = open_rows(parts);
  EXPECT_EQ(joined->rows(), 20);
  EXPECT_THAT(read_all(*joined), ElementsAreArray(read_all(*whole)));
  for (int first = 0; first < 20; ++first)
    for (int n = 1; first + n <= 20; ++n) {
      EXPECT_THAT(read_block(*joined, first, n, 1, 2),
                  ElementsAreArray(read_block(*whole, first, n, 1, 2)));
      const std::byte* place = joined->in_place(first, n);
      if (place != nullptr)
        EXPECT_EQ(element_at(Element::kF64, place), 0.1 * (3 * first));
      else
        EXPECT_GT(n, 1);
      joined->release(first, n);
    }
  EXPECT_EQ(joined->in_place(0, 2), nullptr);
  EXPECT_NE(joined->in_place(8, 10), nullptr);
}

TEST_F(OpenRows, FilesThatDoNotFitTogetherAreNamed) {
  EXPECT_THAT(error({write("a.csv", "1,2\n"), write("b.csv", "1,2,3\n")}),
              AllOf(HasSubstr("b.csv: 3 columns"), HasSubstr("a.csv has 2")));
}

TEST_F(OpenRows, PartsOfSeveralTypesBecomeTheWidest) {
  const std::string bytes = write("a.npy", npy_file(npy_header("|u1", "(1, 2)"), "\x01\x02"));
  const auto rows = open_rows({bytes, write("b.csv", "0.1,2\n")});
  EXPECT_EQ(rows->element(), Element::kF64);
  EXPECT_THAT(read_all(*rows), ElementsAre(1, 2, 0.1, 2));
}

TEST_F(OpenRows, LabelsOfSeveralFilesAreJoinedByName) {
  const auto rows =
      open_rows({write("a.csv", "k,x\ncat,1\ndog,2\n"), write("b.csv", "k,x\nowl,3\ncat,4\n")},
                {.label_column = "k"});
  EXPECT_THAT(rows->labels(), ElementsAre(0, 1, 2, 0));
  EXPECT_THAT(rows->label_names(), ElementsAre("cat", "dog", "owl"));
}

TEST_F(OpenRows, PicturesNamedOneByOneAreAMatrixLabelledByFolder) {
  const auto rows =
      open_rows({picture("b/1.pgm", 1), picture("a/1.pgm", 2), picture("b/2.pgm", 3)});
  EXPECT_THAT(read_block(*rows, 0, 3, 0, 1), ElementsAre(1, 2, 3));
  EXPECT_THAT(rows->labels(), ElementsAre(0, 1, 0));
  EXPECT_THAT(rows->label_names(), ElementsAre("b", "a"));
}

TEST_F(OpenRows, AListNamesFilesSeenFromItsFolder) {
  write("parts/a.csv", "1\n");
  write("parts/b.csv", "2\n");
  const std::string list =
      write("parts/list.txt", "# parts\n\nb.csv\r\n" + folder() + "/parts/a.csv\n");
  EXPECT_THAT(read_all(*open_rows({"@" + list})), ElementsAre(2, 1));
  EXPECT_THAT(error({"@" + write("none.txt", "# nothing\n")}), HasSubstr("lists no files"));
  EXPECT_THAT(error({"@" + write("wrong.txt", "missing.npy\n")}), HasSubstr("missing.npy"));
}

TEST_F(OpenRows, ElementsBecomeWhatIsAskedFor) {
  const std::string csv = write("a.csv", "0.1,300\n");
  EXPECT_THAT(read_all(*open_rows({csv}, {.element = Element::kF32})), ElementsAre(0.1f, 300));
  EXPECT_THAT(error({csv}, {.element = Element::kU8}), HasSubstr("ask for float32 or float64"));
  const std::string bytes = write("a.npy", npy_file(npy_header("|u1", "(1, 2)"), "\x01\xff"));
  for (const Element element : {Element::kU8, Element::kF32, Element::kF64}) {
    const auto rows = open_rows({bytes}, {.element = element});
    EXPECT_EQ(rows->element(), element);
    EXPECT_THAT(read_all(*rows), ElementsAre(1, 255));
  }
}

TEST_F(OpenRows, AConvertedMatrixOfManyRowsIsCutOutRight) {
  std::vector<float> values(70000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  write_npy(folder_.path() / "x.npy", values, {10, 7000});
  const auto rows = open_rows({folder() + "/x.npy"}, {.element = Element::kF64});
  EXPECT_THAT(read_all(*rows), ElementsAreArray(values));
  EXPECT_THAT(read_block(*rows, 8, 2, 6999, 1), ElementsAre(62999, 69999));
}

TEST_F(OpenRows, HowARowIsAPictureCanBeSaid) {
  const std::string csv = write("a.csv", "1,2,3,4,5,6\n");
  const auto rows = open_rows({csv}, {.picture = PictureShape{.height = 2, .width = 3}});
  EXPECT_EQ(rows->picture()->width, 3);
  EXPECT_THAT(error({csv}, {.picture = PictureShape{.height = 2, .width = 2}}),
              HasSubstr("a row of 6 elements is no picture of 2x2x1"));
}

TEST_F(OpenRows, OptionsThatNothingTakesAreErrors) {
  const std::string csv = write("a.csv", "1,2\n");
  EXPECT_THAT(error({csv}, {.key = "x"}), HasSubstr("none of the inputs is a .npz file"));
  EXPECT_THAT(error({csv}, {.pictures = {.grey = true}}),
              HasSubstr("none of the inputs is a picture"));
  EXPECT_THAT(
      error({write("b.npy", npy_file(npy_header("|u1", "(1,)"), "a"))}, {.label_column = "x"}),
      HasSubstr("none of the inputs is a CSV file"));
}

TEST_F(OpenRows, WhatIsNotThereIsNamed) {
  EXPECT_THAT(error({folder() + "/none.npy"}), HasSubstr("none.npy"));
  EXPECT_THAT(error({folder() + "/none.npz:x"}), HasSubstr("none.npz"));
  EXPECT_THAT(error({"@" + folder() + "/none.txt"}), HasSubstr("none.txt"));
  EXPECT_THAT(error({}), HasSubstr("no input files"));
  EXPECT_THAT(error({write("empty.csv", "")}), HasSubstr("empty.csv"));
}

}  // namespace
}  // namespace hadal::matrix

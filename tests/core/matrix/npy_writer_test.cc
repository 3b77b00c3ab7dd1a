#include "core/matrix/npy_writer.h"

#include <thread>

#include <gmock/gmock.h>

#include "core/base/files.h"
#include "core/matrix/npy.h"
#include "tests/core/matrix/read_all.h"

namespace hadal::matrix {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(NpyWriter, WritesWhatNumpyWrites) {
  // numpy 1.24: numpy.save("x.npy", numpy.array([[1, 2.5], [-3, 4]], "float32")), all 144 bytes.
  TemporaryFolder folder;
  const std::vector<float> values = {1, 2.5, -3, 4};
  write_npy(folder.path() / "x.npy", values, {2, 2});
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }";
  EXPECT_EQ(
      read_file(folder.path() / "x.npy"),
      "\x93NUMPY" + std::string("\x01\x00\x76\x00", 4) + header +
          std::string(118 - 1 - header.size(), ' ') + "\n" +
          std::string("\x00\x00\x80\x3f\x00\x00\x20\x40\x00\x00\x40\xc0\x00\x00\x80\x40", 16));
}

TEST(NpyWriter, EveryTypeAndShapeIsReadBack) {
  TemporaryFolder folder;
  const auto path = folder.path() / "x.npy";
  write_npy(path, std::vector<double>{1e300, -2, 3}, {3});
  EXPECT_THAT(read_all(*open_npy(path)), ElementsAre(1e300, -2, 3));
  write_npy(path, std::vector<std::int32_t>{-5, 6}, {2, 1});
  EXPECT_THAT(read_all(*open_npy(path)), ElementsAre(-5, 6));
  write_npy(path, std::vector<std::uint8_t>{1, 2, 3, 4}, {1, 2, 2});
  const auto pictures = open_npy(path);
  EXPECT_THAT(read_all(*pictures), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(pictures->picture()->width, 2);
  EXPECT_THROW(write_npy(path, std::vector<double>(3), {2, 2}), ShapeError);
}

TEST(NpyWriter, ThreadsWriteTheirRowsThroughTheirOwnWriters) {
  TemporaryFolder folder;
  const auto path = folder.path() / "scores.npy";
  NpyRowWriter::create(path, NpyType::kF64, 100, 3);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      NpyRowWriter writer(path);
      for (int r = 25 * t; r < 25 * (t + 1); r += 5) {
        std::vector<double> block;
        for (int i = 0; i < 15; ++i) block.push_back(3 * r + i);
        writer.write(r, 5, block.data());
      }
      writer.sync();
    });
  for (std::thread& thread : threads) thread.join();
  const std::vector<double> all = read_all(*open_npy(path));
  for (int i = 0; i < 300; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)], i);
}

TEST(NpyWriter, ATransposeIsWrittenColumnByColumn) {
  TemporaryFolder folder;
  const auto path = folder.path() / "x.npy";
  NpyRowWriter::create(path, NpyType::kF64, 3, 2, NpyOrder::kTransposed);
  NpyRowWriter writer(path);
  EXPECT_EQ(writer.rows(), 3);
  const double last[2] = {5, 6}, first[4] = {1, 2, 3, 4};
  writer.write(2, 1, last);
  writer.write(0, 2, first);
  const auto read = open_npy(path);
  EXPECT_EQ(read->rows(), 2);
  EXPECT_THAT(read_all(*read), ElementsAre(1, 3, 5, 2, 4, 6));
}

TEST(NpyWriter, RowsOutsideOrOfAnotherTypeAreRefused) {
  TemporaryFolder folder;
  const auto path = folder.path() / "x.npy";
  NpyRowWriter::create(path, NpyType::kF32, 4, 2);
  NpyRowWriter writer(path);
  const float two_rows[4] = {};
  EXPECT_THROW(writer.write(3, 2, two_rows), ShapeError);
  EXPECT_THROW(writer.write(-1, 1, two_rows), ShapeError);
  const double other[2] = {};
  EXPECT_THROW(writer.write(0, 1, other), ShapeError);
}

TEST(NpyWriter, AFileThatCannotBeMadeIsNamed) {
  EXPECT_THROW(NpyRowWriter::create("/no such folder/x.npy", NpyType::kF32, 1, 1), IoError);
  TemporaryFolder folder;
  EXPECT_THAT(error_of([&] {
                write_npy(folder.path() / "x.npy", std::vector<double>{1}, {1});
                NpyRowWriter writer(folder.path() / "x.npy");
              }),
              HasSubstr("wanted a matrix that was made to be written by rows"));
}

}  // namespace
}  // namespace hadal::matrix

#include "core/matrix/npy.h"

#include <cmath>
#include <filesystem>
#include <thread>

#include <gmock/gmock.h>

#include "core/base/files.h"
#include "core/matrix/open_rows.h"
#include "tests/core/matrix/made_files.h"
#include "tests/core/matrix/read_all.h"

namespace hadal::matrix {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

class Npy : public ::testing::Test {
 protected:
  std::string write(const std::string& contents) {
    const std::filesystem::path path = folder_.path() / "x.npy";
    write_file_atomically(path, contents);
    return path;
  }
  std::unique_ptr<StoredRows> open(const std::string& contents, const FileUse& use = {}) {
    return open_npy(write(contents), use);
  }
  std::string error(const std::string& contents) {
    return error_of([&] { open(contents); });
  }

  TemporaryFolder folder_;
};

TEST_F(Npy, ReadsAFileThatNumpyWroteByteForByte) {
  // numpy 1.24: numpy.save("x.npy", numpy.array([[1, 2.5], [-3, 4], [0, 1e-3]], "float32"))
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }";
  const std::string file = "\x93NUMPY" + std::string("\x01\x00\x76\x00", 4) + header +
                           std::string(118 - 1 - header.size(), ' ') + "\n" +
                           std::string(
                               "\x00\x00\x80\x3f\x00\x00\x20\x40\x00\x00\x40\xc0"
                               "\x00\x00\x80\x40\x00\x00\x00\x00\x6f\x12\x83\x3a",
                               24);
  const auto rows = open(file);
  EXPECT_EQ(rows->rows(), 3);
  EXPECT_EQ(rows->cols(), 2);
  EXPECT_EQ(rows->element(), Element::kF32);
  EXPECT_THAT(read_all(*rows), ElementsAre(1, 2.5, -3, 4, 0, 1e-3f));
}

TEST_F(Npy, RowsInFileOrderAreUsedWhereTheyLie) {
  const std::vector<double> values = {1, 2, 3, 4, 5, 6};
  const auto rows = open(npy_file(npy_header("<f8", "(3, 2)"), bytes_of_values(values)));
  const std::byte* place = rows->in_place(1, 2);
  ASSERT_NE(place, nullptr);
  EXPECT_EQ(element_at(Element::kF64, place), 3);
  rows->release(0, 3);
  EXPECT_EQ(element_at(Element::kF64, place + 8), 4);  // comes back when touched
}

TEST_F(Npy, RowsThatAreNotAlignedOrNotMappedAreRead) {
  const std::vector<float> values = {1, 2, 3, 4};
  std::string file = npy_file(npy_header("<f4", "(2, 2)"), bytes_of_values(values));
  EXPECT_EQ(open(file, {.access = FileAccess::kRead})->in_place(0, 1), nullptr);
  EXPECT_EQ(open(file, {.memory_bytes = 10})->in_place(0, 1), nullptr);
  file.erase(file.find("  \n"), 1);  // a header one shorter
  file[8] = static_cast<char>(file[8] - 1);
  const auto rows = open(file);
  EXPECT_EQ(rows->in_place(0, 1), nullptr);
  EXPECT_THAT(read_all(*rows), ElementsAre(1, 2, 3, 4));
}

TEST_F(Npy, BlocksOfRowsAndColumnsAreCutOutInEitherOrder) {
  std::vector<std::uint8_t> c_order, fortran_order;
  for (int r = 0; r < 7; ++r)
    for (int c = 0; c < 5; ++c) c_order.push_back(static_cast<std::uint8_t>(10 * r + c));
  for (int c = 0; c < 5; ++c)
    for (int r = 0; r < 7; ++r) fortran_order.push_back(static_cast<std::uint8_t>(10 * r + c));
  for (const bool fortran : {false, true}) {
    const auto rows = open(npy_file(npy_header("|u1", "(7, 5)", fortran),
                                    bytes_of_values(fortran ? fortran_order : c_order)));
    EXPECT_EQ(rows->in_place(0, 1) == nullptr, fortran);
    EXPECT_THAT(read_block(*rows, 2, 3, 1, 2), ElementsAre(21, 22, 31, 32, 41, 42));
    EXPECT_THAT(read_all(*rows), ElementsAreArray(c_order));
  }
}

TEST_F(Npy, FortranOrderOfManyColumnsIsReadInTiles) {
  // 300 x 2,000 float64: a block of all rows is five tiles of a mebibyte.
  constexpr int kRows = 300, kCols = 2000;
  std::vector<double> values;
  for (int c = 0; c < kCols; ++c)
    for (int r = 0; r < kRows; ++r) values.push_back(r * 10000 + c);
  const auto rows = open(npy_file(npy_header("<f8", "(300, 2000)", true), bytes_of_values(values)));
  const std::vector<double> got = read_all(*rows);
  for (int r = 0; r < kRows; ++r)
    for (int c = 0; c < kCols; ++c)
      ASSERT_EQ(got[static_cast<std::size_t>(r * kCols + c)], r * 10000 + c);
}

TEST_F(Npy, EveryTypeBecomesTheSmallestElementThatHoldsIt) {
  const auto expect = [&](const std::string& descr, const std::string& elements, Element element,
                          const std::vector<double>& values) {
    SCOPED_TRACE(descr);
    const auto rows = open(npy_file(npy_header(descr, "(2,)"), elements));
    EXPECT_EQ(rows->rows(), 2);
    EXPECT_EQ(rows->cols(), 1);
    EXPECT_EQ(rows->element(), element);
    EXPECT_THAT(read_all(*rows), ElementsAreArray(values));
  };
  using namespace std::string_literals;
  expect("|b1", "\x00\x01"s, Element::kU8, {0, 1});
  expect("|u1", "\x02\xff"s, Element::kU8, {2, 255});
  expect("|i1", "\x80\x7f"s, Element::kF32, {-128, 127});
  expect("<i2", "\x00\x80\x34\x12"s, Element::kF32, {-32768, 0x1234});
  expect(">i2", "\x80\x00\x12\x34"s, Element::kF32, {-32768, 0x1234});
  expect("<u2", "\xff\xff\x01\x00"s, Element::kF32, {65535, 1});
  expect("<i4", "\xff\xff\xff\xff\x00\x00\x00\x80"s, Element::kF64, {-1, -2147483648.0});
  expect(">u4", "\xff\xff\xff\xff\x00\x00\x00\x01"s, Element::kF64, {4294967295.0, 1});
  expect("<i8", "\xfe\xff\xff\xff\xff\xff\xff\xff\x03\x00\x00\x00\x00\x00\x00\x00"s, Element::kF64,
         {-2, 3});
  expect(">u8", "\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x07"s, Element::kF64,
         {256, 7});
  expect(">f4", "\x3f\x80\x00\x00\xc0\x20\x00\x00"s, Element::kF32, {1, -2.5});
  expect(">f8", "\x3f\xf0\x00\x00\x00\x00\x00\x00\xc0\x04\x00\x00\x00\x00\x00\x00"s, Element::kF64,
         {1, -2.5});
  // Halves: 1 and -2; 2^-24, the smallest, and 65504, the largest.
  expect("<f2", "\x00\x3c\x00\xc0"s, Element::kF32, {1, -2});
  expect(">f2", "\x00\x01\x7b\xff"s, Element::kF32, {0x1p-24, 65504});
}

TEST_F(Npy, HalvesThatAreNoNumbersStayWhatTheyAre) {
  using namespace std::string_literals;
  const auto rows = open(npy_file(npy_header("<f2", "(4,)"), "\x00\x7c\x00\xfc\x00\x7e\x00\x80"s));
  const std::vector<double> values = read_all(*rows);
  EXPECT_EQ(values[0], INFINITY);
  EXPECT_EQ(values[1], -INFINITY);
  EXPECT_TRUE(std::isnan(values[2]));
  EXPECT_TRUE(values[3] == 0 && std::signbit(values[3]));
}

TEST_F(Npy, IntegersThatFloat64RoundsAreNotedOnce) {
  const std::vector<std::int64_t> values = {1LL << 60, -(1LL << 62) + 1, (1LL << 53) + 1};
  std::vector<std::string> notes;
  const auto rows = open_npy(write(npy_file(npy_header("<i8", "(3,)"), bytes_of_values(values))),
                             {}, [&](const std::string& note) { notes.push_back(note); });
  EXPECT_THAT(read_block(*rows, 0, 1, 0, 1), ElementsAre(0x1p60));
  EXPECT_THAT(notes, ElementsAre());
  read_all(*rows);
  read_all(*rows);
  EXPECT_THAT(notes, ElementsAre(HasSubstr("more than 53 bits")));
}

TEST_F(Npy, MoreDimensionsAreFlattenedAndBytesArePictures) {
  std::vector<std::uint8_t> c_order(24), fortran_order(24);
  for (int n = 0; n < 2; ++n)
    for (int y = 0; y < 3; ++y)
      for (int x = 0; x < 4; ++x) {
        const auto value = static_cast<std::uint8_t>(100 * n + 10 * y + x);
        c_order[static_cast<std::size_t>((n * 3 + y) * 4 + x)] = value;
        fortran_order[static_cast<std::size_t>(n + 2 * (y + 3 * x))] = value;
      }
  for (const bool fortran : {false, true}) {
    const auto rows = open(npy_file(npy_header("|u1", "(2, 3, 4)", fortran),
                                    bytes_of_values(fortran ? fortran_order : c_order)));
    EXPECT_EQ(rows->cols(), 12);
    EXPECT_THAT(read_all(*rows), ElementsAreArray(c_order));
    ASSERT_TRUE(rows->picture());
    EXPECT_EQ(rows->picture()->height, 3);
    EXPECT_EQ(rows->picture()->width, 4);
    EXPECT_EQ(rows->picture()->channels, 1);
  }
  const auto colour = open(npy_file(npy_header("|u1", "(2, 2, 2, 3)"), bytes_of_values(c_order)));
  EXPECT_EQ(colour->picture()->channels, 3);
  EXPECT_FALSE(open(npy_file(npy_header("|u1", "(2, 12)"), bytes_of_values(c_order)))->picture());
}

TEST_F(Npy, VersionsTwoAndThreeHaveLongerHeaders) {
  const std::vector<float> values = {1, 2};
  for (const int version : {1, 2, 3})
    EXPECT_THAT(
        read_all(*open(npy_file(npy_header("<f4", "(1, 2)"), bytes_of_values(values), version))),
        ElementsAre(1, 2));
}

TEST_F(Npy, HeadersMayBeWrittenInOtherWays) {
  const std::vector<float> values = {1, 2};
  for (const char* header : {"{\"shape\": (2L, 1L), \"fortran_order\": False, \"descr\": \"<f4\"}",
                             "{ 'descr':'f4' ,'fortran_order':False,'shape':( 2 ,1 ) }"})
    EXPECT_EQ(open(npy_file(header, bytes_of_values(values)))->rows(), 2);
}

TEST_F(Npy, ThreadsReadAtOnce) {
  std::vector<double> values(100000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i);
  const auto rows = open(npy_file(npy_header("<f8", "(1000, 100)"), bytes_of_values(values)));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int r = t; r < 1000; r += 4) EXPECT_EQ(read_block(*rows, r, 1, 7, 1)[0], r * 100 + 7);
    });
  for (std::thread& thread : threads) thread.join();
}

TEST_F(Npy, WhatIsNoMatrixOfNumbersIsRefusedInOneLine) {
  EXPECT_THAT(error(npy_file(npy_header("|O", "(3,)"), "")), HasSubstr("pickled Python objects"));
  EXPECT_THAT(error(npy_file(npy_header("<U5", "(3,)"), "")), HasSubstr("text"));
  EXPECT_THAT(error(npy_file(npy_header("<c8", "(3,)"), "")), HasSubstr("complex"));
  EXPECT_THAT(
      error(npy_file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,)}", "")),
      HasSubstr("records"));
  EXPECT_THAT(error(npy_file(npy_header("<f4", "()"), "1234")), HasSubstr("a single number"));
  EXPECT_THAT(error("PK\x03\x04 something else"), HasSubstr("not a .npy file"));
  EXPECT_THAT(error(""), HasSubstr("not a .npy file"));
}

TEST_F(Npy, AnotherLengthThanTheHeaderStatesIsAnError) {
  EXPECT_THAT(error(npy_file(npy_header("<f4", "(3, 2)"), std::string(23, 'x'))),
              HasSubstr("truncated: its header states 3x2 f32, which is 24 bytes, 23 are there"));
  EXPECT_THAT(error(npy_file(npy_header("<f4", "(3, 2)"), std::string(25, 'x'))),
              HasSubstr("1 bytes left over"));
  EXPECT_THAT(error(npy_file(npy_header("<f8", "(9223372036854775807, 9223372036854775807)"), "")),
              HasSubstr("more elements than can be"));
}

TEST_F(Npy, AFileThatBecomesShorterIsAnErrorOfTheReader) {
  const std::vector<float> values(1000);
  const auto rows = open(npy_file(npy_header("<f4", "(10, 100)"), bytes_of_values(values)));
  std::filesystem::resize_file(folder_.path() / "x.npy", 200);
  EXPECT_THAT(error_of([&] { read_all(*rows); }), HasSubstr("ends at byte 200"));
}

TEST_F(Npy, MissingFilesAndFoldersAreNamed) {
  EXPECT_THROW(open_npy(folder_.path() / "none.npy"), IoError);
  EXPECT_THROW(open_npy(folder_.path()), IoError);
}

}  // namespace
}  // namespace hadal::matrix

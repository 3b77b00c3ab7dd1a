#include "core/matrix/csv.h"

#include <cmath>
#include <filesystem>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "core/base/files.h"
#include "tests/core/matrix/read_all.h"

namespace hadal::matrix {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Csv : public ::testing::Test {
 protected:
  std::unique_ptr<RowSource> open(const std::string& contents, const std::string& label = "") {
    const std::filesystem::path path = folder_.path() / "x.csv";
    write_file_atomically(path, contents);
    return open_csv(path, label);
  }
  // Also of reading.
  std::string error(const std::string& contents, const std::string& label = "") {
    return error_of([&] { read_all(*open(contents, label)); });
  }

  TemporaryFolder folder_;
};

TEST_F(Csv, NumbersAreReadAsFloat64) {
  const auto rows = open("1,2.5,-3e-2\n+4, 5 ,6\n");
  EXPECT_EQ(rows->rows(), 2);
  EXPECT_EQ(rows->cols(), 3);
  EXPECT_EQ(rows->element(), Element::kF64);
  EXPECT_THAT(read_all(*rows), ElementsAre(1, 2.5, -3e-2, 4, 5, 6));
  EXPECT_THAT(read_block(*rows, 1, 1, 1, 2), ElementsAre(5, 6));
}

TEST_F(Csv, TheSeparatorIsFound) {
  for (const char* text : {"1\t2\n3\t4\n", "1;2\n3;4", "1,2\r\n3,4\r\n", "1|2\n3|4\n",
                           "  1  2\n3 4  \n", "1.0e0 2.0e0\n3.0e0 4.0e0\n"})
    EXPECT_THAT(read_all(*open(text)), ElementsAre(1, 2, 3, 4)) << text;
  EXPECT_THAT(read_all(*open("1\n2\n")), ElementsAre(1, 2));
}

TEST_F(Csv, AHeaderIsFoundAndOtherLinesPassedOver) {
  for (const char* text :
       {"a,b\n1,2\n3,4\n", "\"a, x\",\"b\"\n1,2\n3,4\n", "# by hand\n\n1,2\n\n# more\n3,4\n\n",
        "\xef\xbb\xbf"
        "1,2\n3,4\n",
        "\"1\",\"2\"\n\"3\",\"4\"\n"})
    EXPECT_THAT(read_all(*open(text)), ElementsAre(1, 2, 3, 4)) << text;
}

TEST_F(Csv, EmptyFieldsAndNanAreNoNumbersAndStayThere) {
  const std::vector<double> values = read_all(*open("1,,3\nnan,inf,-inf\n"));
  EXPECT_TRUE(std::isnan(values[1]));
  EXPECT_TRUE(std::isnan(values[3]));
  EXPECT_EQ(values[4], INFINITY);
  EXPECT_EQ(values[5], -INFINITY);
}

TEST_F(Csv, NumbersBeyondTheRangeAreZeroOrInfinite) {
  EXPECT_THAT(read_all(*open("1e-400,1e400,-1e400\n")), ElementsAre(0, INFINITY, -INFINITY));
  EXPECT_EQ(read_all(*open("0." + std::string(400, '0') + "1\n"))[0], 0);
  EXPECT_EQ(read_all(*open("1" + std::string(400, '0') + "\n"))[0], INFINITY);
}

TEST_F(Csv, ALabelColumnIsTakenByNameOrNumber) {
  const std::string text = "x,species,y\n1,setosa,2\n3,\"virginica\",4\n5,setosa,6\n";
  for (const char* label : {"species", "2", "-2"}) {
    const auto rows = open(text, label);
    EXPECT_EQ(rows->cols(), 2);
    EXPECT_THAT(read_all(*rows), ElementsAre(1, 2, 3, 4, 5, 6));
    EXPECT_THAT(rows->labels(), ElementsAre(0, 1, 0));
    EXPECT_THAT(rows->label_names(), ElementsAre("setosa", "virginica"));
  }
  const auto rows = open("7,1,2\n9,3,4\n", "1");
  EXPECT_THAT(read_all(*rows), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(rows->label_names(), ElementsAre("7", "9"));
}

TEST_F(Csv, BlocksAreFoundInLargeFilesWithoutParsingEverything) {
  // 40,000 rows of about 20 bytes: several marks of 256 KiB.
  std::string text = "number;square\n";
  for (int i = 0; i < 40000; ++i) text += fmt::format("{};{}.25\n", i, i * 2);
  const auto rows = open(text);
  EXPECT_EQ(rows->rows(), 40000);
  for (const int row : {0, 1, 19999, 39990})
    EXPECT_THAT(read_block(*rows, row, 2, 0, 2),
                ElementsAre(row, row * 2 + 0.25, row + 1, (row + 1) * 2 + 0.25));
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&, t] {
      for (int row = 1000 * t; row < 39000; row += 3000)
        EXPECT_THAT(read_block(*rows, row, 1, 0, 1), ElementsAre(row));
    });
  for (std::thread& thread : threads) thread.join();
}

TEST_F(Csv, RowsAreParsedOnce) {
  const auto rows = open("1,2\n3,4\n5,6\n");
  EXPECT_THAT(read_block(*rows, 0, 2, 0, 2), ElementsAre(1, 2, 3, 4));
  write_file_atomically(folder_.path() / "x.csv", "7,8\n");
  std::filesystem::remove(folder_.path() / "x.csv");
  EXPECT_THAT(read_all(*rows), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(Csv, ErrorsNameTheLineAndTheWayOut) {
  EXPECT_THAT(error("1,2\n3,x\n"), HasSubstr("line 2, column 2: 'x' is no number"));
  EXPECT_THAT(error("a,b\n1,2\n# c\n3\n"), HasSubstr("line 4 has 1 columns, the first has 2"));
  EXPECT_THAT(error("1,2\n3,4,5\n"), HasSubstr("line 2 has 3 columns"));
  EXPECT_THAT(error("1;2,5\n3;4,5\n"), HasSubstr("'2,5', which is no number"));
  EXPECT_THAT(error("x,kind\n1,a\n2,b\n"),
              AllOf(HasSubstr("column 2 ('kind') holds 'a'"), HasSubstr("--label-column kind")));
  EXPECT_THAT(error(""), HasSubstr("holds no rows"));
  EXPECT_THAT(error("a,b\n"), HasSubstr("'a', which is no number"));
  EXPECT_THAT(error("x,kind\n1,2\n", "kinds"), HasSubstr("did you mean 'kind'?"));
  EXPECT_THAT(error("1,2\n", "3"), HasSubstr("label column 3 of 2 columns"));
  EXPECT_THAT(error("1,2\n", "kind"), HasSubstr("a number from 1 to 2"));
  EXPECT_THAT(error("a\nb\n", "1"), HasSubstr("that is the labels"));
}

}  // namespace
}  // namespace hadal::matrix

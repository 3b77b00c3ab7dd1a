// hadal lstsq, pinv and project as they are typed, alone and under mpirun.
#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "core/base/files.h"
#include "core/base/random.h"
#include "core/matrix/npy_writer.h"
#include "core/matrix/open_rows.h"
#include "tests/launcher/program_test.h"

namespace hadal::launcher {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class LeastSquaresCommands : public ProgramTest {
 protected:
  static constexpr std::int64_t kRows = 3000, kCols = 4;

  std::string save(const std::string& name, const std::vector<double>& values, std::int64_t rows,
                   std::int64_t cols) const {
    matrix::write_npy(path(name), values, {rows, cols});
    return path(name);
  }
  static std::vector<double> normal(std::int64_t count, std::uint64_t seed) {
    std::vector<double> values(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = random::normal({seed, random::Purpose::kTest}, i);
    return values;
  }
  std::vector<double> read(const fs::path& file, std::int64_t rows, std::int64_t cols) const {
    const auto source = matrix::open_rows({file.string()});
    EXPECT_EQ(source->rows(), rows) << file;
    EXPECT_EQ(source->cols(), cols) << file;
    std::vector<double> values(static_cast<std::size_t>(rows * cols));
    source->read(0, rows, 0, cols, reinterpret_cast<std::byte*>(values.data()));
    return values;
  }
  nlohmann::json summary(const std::string& folder) const {
    return nlohmann::json::parse(read_file(path(folder) / "summary.json"));
  }
  void expect_nothing_left(const std::string& folder) const {
    for (const auto& entry : fs::directory_iterator(path("")))
      EXPECT_THAT(entry.path().filename().string(), testing::Not(HasSubstr(folder)));
  }

  const std::vector<double> a_values = normal(kRows * kCols, 1);
  const std::string a = save("A.npy", a_values, kRows, kCols);
  const std::string b = save("b.npy", normal(kRows * 2, 2), kRows, 2);
};

TEST_F(LeastSquaresCommands, LstsqFindsXAndGivesTheSameBytesUnderMpirun) {
  const std::vector<double> x = {1, -2, 0.5, 3};
  std::vector<double> exact;
  for (std::int64_t i = 0; i < kRows; ++i) {
    double sum = 7;
    for (std::int64_t j = 0; j < kCols; ++j)
      sum += a_values[static_cast<std::size_t>(i * kCols + j)] * x[static_cast<std::size_t>(j)];
    exact.push_back(sum);
  }
  const std::string right = save("exact.npy", exact, kRows, 1);
  const Ended alone =
      run({"lstsq", a, right, "--intercept", "--out", path("one"), "--threads", "2"});
  ASSERT_EQ(alone.exit_code, 0) << alone.err;
  EXPECT_THAT(alone.out, AllOf(HasSubstr("normal equations"), HasSubstr("rank   4 of 4"),
                               HasSubstr("1 rank x 2 threads")));
  const std::vector<double> found = read(path("one") / "x.npy", kCols, 1);
  for (std::size_t j = 0; j < 4; ++j) EXPECT_NEAR(found[j], x[j], 1e-14);
  EXPECT_NEAR(summary("one")["intercept"][0], 7, 1e-13);
  EXPECT_EQ(summary("one")["rank"], 4);

  const Ended many = run({"lstsq", a, right, "--intercept", "--out", path("three")}, {.ranks = 3});
  ASSERT_EQ(many.exit_code, 0) << many.err;
  EXPECT_EQ(read_file(path("three") / "x.npy"), read_file(path("one") / "x.npy"));
  EXPECT_EQ(summary("three")["hash"], summary("one")["hash"]);
}

TEST_F(LeastSquaresCommands, LstsqOfSeveralRightHandSidesWritesAMatrixAndItsErrors) {
  ASSERT_EQ(run({"lstsq", a, b, "--out", path("fit"), "--way", "orthogonal"}).exit_code, 0);
  read(path("fit") / "x.npy", kCols, 2);
  // Of N(0, 1) noise and columns of length sqrt(m): 1 / sqrt(m).
  for (const double error : read(path("fit") / "standard_errors.npy", kCols, 2))
    EXPECT_NEAR(error * std::sqrt(kRows), 1, 0.1);
  EXPECT_EQ(summary("fit")["way"], "orthogonal");
  EXPECT_EQ(summary("fit")["residual_norm"].size(), 2u);
}

TEST_F(LeastSquaresCommands, PinvTimesAIsTheIdentityAlsoFromTwoRanks) {
  ASSERT_EQ(run({"pinv", a, "--out", path("one")}).exit_code, 0);
  const Ended two = run({"pinv", a, "--out", path("two")}, {.ranks = 2});
  ASSERT_EQ(two.exit_code, 0) << two.err;
  EXPECT_EQ(read_file(path("one") / "pinv.npy"), read_file(path("two") / "pinv.npy"));
  const std::vector<double> inverse = read(path("two") / "pinv.npy", kCols, kRows);
  for (std::int64_t i = 0; i < kCols; ++i)
    for (std::int64_t j = 0; j < kCols; ++j) {
      double sum = 0;
      for (std::int64_t r = 0; r < kRows; ++r)
        sum += inverse[static_cast<std::size_t>(i * kRows + r)] *
               a_values[static_cast<std::size_t>(r * kCols + j)];
      EXPECT_NEAR(sum, i == j ? 1 : 0, 1e-14);
    }
}

TEST_F(LeastSquaresCommands, ProjectWritesTheNearestPointsAndTheirDistances) {
  const Ended two = run({"project", b, "--onto", a, "--out", path("two")}, {.ranks = 2});
  ASSERT_EQ(two.exit_code, 0) << two.err;
  read(path("two") / "projection.npy", kRows, 2);
  const auto s = summary("two");
  for (int j = 0; j < 2; ++j)
    EXPECT_NEAR(std::hypot(s["projection_norm"][j].get<double>(), s["distance"][j].get<double>()),
                s["b_norm"][j].get<double>(), 1e-11);
  // A projection is its own projection.
  ASSERT_EQ(run({"project", path("two") / "projection.npy", "--onto", a, "--out", path("again")})
                .exit_code,
            0);
  EXPECT_LT(summary("again")["distance"][0].get<double>(), 1e-13);
}

TEST_F(LeastSquaresCommands, ProjectWritesTheProjectorItselfWhereItIsSmall) {
  const std::string small = save("small.npy", normal(50 * 3, 3), 50, 3);
  ASSERT_EQ(run({"project", "--onto", small, "--matrix", "--out", path("p")}).exit_code, 0);
  const std::vector<double> p = read(path("p") / "projector.npy", 50, 50);
  double trace = 0;
  for (std::size_t i = 0; i < 50; ++i) trace += p[i * 51];
  EXPECT_NEAR(trace, 3, 1e-13);
  const std::string large = save("large.npy", std::vector<double>(20001), 20001, 1);
  const Ended refused = run({"project", "--onto", large, "--matrix", "--out", path("refused")});
  EXPECT_EQ(refused.exit_code, 78);
  EXPECT_THAT(refused.complaint(), HasSubstr("at most 20,000 rows"));
  expect_nothing_left("refused");
}

TEST_F(LeastSquaresCommands, BadInputIsOneLineAndLeavesNothing) {
  std::vector<double> broken = a_values;
  broken[4 * 2500 + 3] = std::numeric_limits<double>::quiet_NaN();
  const std::string nan = save("nan.npy", broken, kRows, kCols);
  const std::string shorter = save("short.npy", normal(10, 4), 10, 1);
  const std::string text = write("text.npy", "no array");
  struct Case {
    std::vector<std::string> arguments;
    int exit_code, ranks;
    std::string saying;
  };
  for (const Case& c : std::vector<Case>{
           {{"lstsq", a, path("none.npy")}, 66, 0, "none.npy"},
           {{"lstsq", a, shorter}, 78, 0, "both need the same number of rows"},
           {{"lstsq", nan, b}, 87, 0, "nan.npy: row 2,500, column 3"},
           {{"lstsq", nan, b}, 87, 2, "nan.npy: row 2,500, column 3"},
           {{"lstsq", a, b, "--wya", "normal"}, 64, 0, "did you mean '--way'?"},
           {{"lstsq", a, b, "--ridge", "-1"}, 64, 0, "--ridge"},
           {{"lstsq", a, text}, 65, 0, "text.npy"},
           {{"pinv", nan}, 87, 2, "nan.npy: row 2,500, column 3"},
           {{"pinv", path("none.npy")}, 66, 0, "none.npy"},
           {{"project", shorter, "--onto", a}, 78, 0, "both need the same number"},
           {{"project", nan, "--onto", a}, 87, 0, "nan.npy: row 2,500, column 3"},
           {{"project", "--onto", a}, 64, 0, "add --matrix"},
       }) {
    std::vector<std::string> arguments = c.arguments;
    arguments.insert(arguments.end(), {"--out", path("result")});
    SCOPED_TRACE(testing::PrintToString(arguments));
    const Ended ended = run(arguments, {.ranks = c.ranks});
    EXPECT_EQ(ended.exit_code, c.exit_code) << ended.err;
    EXPECT_THAT(ended.complaint(), HasSubstr(c.saying));
    expect_nothing_left("result");
  }
}

TEST_F(LeastSquaresCommands, AFolderThatIsThereIsLeftAlone) {
  fs::create_directory(path("full"));
  const Ended ended = run({"pinv", a, "--out", path("full")});
  EXPECT_EQ(ended.exit_code, 78);
  EXPECT_THAT(ended.complaint(), HasSubstr("full exists; give another --out"));
  EXPECT_TRUE(fs::is_empty(path("full")));
}

}  // namespace
}  // namespace hadal::launcher

// `hadal svd` and `hadal pca` as they are typed: what they leave is read back and checked against
// the matrix they were given.
#include <csignal>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "core/base/strings.h"
#include "core/image/png.h"
#include "core/linalg/dense.h"
#include "tests/launcher/made_matrix.h"
#include "tests/launcher/program_test.h"

namespace hadal::launcher {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::int64_t kRows = 700, kCols = 40;

class DecompositionTest : public ProgramTest {
 protected:
  fs::path matrix_file(const std::string& name = "matrix.npy", std::int64_t rows = kRows) {
    const std::vector<float> values = falling_matrix(rows, kCols);
    matrix::write_npy(path(name), std::span(values), {rows, kCols});
    return path(name);
  }

  Ended pca(const std::string& out, const std::vector<std::string>& more, const How& how = {}) {
    std::vector<std::string> words = {"pca", matrix_file(), "--out", path(out)};
    words.insert(words.end(), more.begin(), more.end());
    return run(words, how);
  }

  nlohmann::json summary(const std::string& out) {
    return nlohmann::json::parse(read_file(path(out) / "summary.json"));
  }

  linalg::DenseMatrix array(const std::string& name) { return read_npy_matrix(path(name)); }

  void expect_same_files(const std::string& a, const std::string& b,
                         const std::vector<std::string>& names) {
    for (const std::string& name : names)
      EXPECT_TRUE(read_file(path(a) / name) == read_file(path(b) / name)) << name;
  }

  void wait_for_file(const fs::path& file) {
    SystemClock clock;
    for (const double end = clock.now_s() + 60; !fs::exists(file) && clock.now_s() < end;)
      clock.sleep(0.002);
    ASSERT_TRUE(fs::exists(file));
  }

  /// Nothing below the test's folder but what was there and the program's own words.
  std::vector<std::string> left_behind() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(path("")))
      if (const std::string name = entry.path().filename();
          !name.starts_with("program") && !name.ends_with(".npy"))
        names.push_back(name);
    return names;
  }
};

linalg::DenseMatrix centred(linalg::DenseMatrix a) {
  for (std::int64_t j = 0; j < a.cols; ++j) {
    double mean = 0;
    for (std::int64_t i = 0; i < a.rows; ++i) mean += a(i, j) / static_cast<double>(a.rows);
    for (std::int64_t i = 0; i < a.rows; ++i) a(i, j) -= mean;
  }
  return a;
}

double largest_difference(const linalg::DenseMatrix& a, const linalg::DenseMatrix& b) {
  EXPECT_EQ(a.rows, b.rows);
  EXPECT_EQ(a.cols, b.cols);
  double largest = 0;
  for (std::size_t i = 0; i < a.values.size(); ++i)
    largest = std::max(largest, std::abs(a.values[i] - b.values[i]));
  return largest;
}

TEST_F(DecompositionTest, PcaLeavesTheLeadingComponentsOfTheCentredMatrix) {
  const Ended ended = pca("out", {"--components", "5", "--scores"});
  ASSERT_EQ(ended.exit_code, 0) << ended.err;
  const linalg::DenseMatrix a = centred(array("matrix.npy"));
  const linalg::DenseSvd exact = linalg::dense_svd(a);
  const linalg::DenseMatrix sigma = array("out/singular_values.npy");
  ASSERT_EQ(sigma.rows, 5);
  // float32 products: 1e-6 of sigma_1.
  for (std::int64_t i = 0; i < 5; ++i)
    EXPECT_NEAR(sigma(i, 0), exact.sigma[static_cast<std::size_t>(i)], 1e-6 * exact.sigma[0]);
  const linalg::DenseMatrix v = array("out/components.npy");
  EXPECT_LT(largest_difference(linalg::multiply_transposed_right(v, v), linalg::identity(5)), 1e-6);
  EXPECT_LT(largest_difference(array("out/scores.npy"), linalg::multiply_transposed_right(a, v)),
            1e-5 * exact.sigma[0]);
}

TEST_F(DecompositionTest, ItSaysItsPlanItsTableAndItsCertificate) {
  const Ended ended = pca("out", {"--components", "5"});
  ASSERT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_THAT(ended.out, AllOf(HasSubstr("plan   700 x 40 f32 (109.4 KiB)"), HasSubstr("predicted"),
                               HasSubstr("singular value"), HasSubstr("|A - A5|_2 is at most"),
                               HasSubstr("with probability 1 - 1e-06"), HasSubstr("wrote  ")));
  EXPECT_THAT(ended.err, IsEmpty());
}

TEST_F(DecompositionTest, TheSummaryHoldsPlanCertificateCountersAndHash) {
  ASSERT_EQ(pca("out", {"--components", "5"}).exit_code, 0);
  const nlohmann::json json = summary("out");
  EXPECT_EQ(json["components"], 5);
  EXPECT_EQ(json["input"]["rows"], kRows);
  EXPECT_GT(json["plan"]["predicted_seconds"].get<double>(), 0);
  EXPECT_GE(json["certificate"]["at_most_times_the_best"].get<double>(), 1);
  EXPECT_GE(json["counters"]["passes"].get<int>(), 1);
  EXPECT_EQ(json["hash"].get<std::string>().size(), 16u);
  // The bound holds: the exact error of five components is sigma_6 of the centred matrix.
  const double exact = linalg::dense_svd(centred(array("matrix.npy"))).sigma[5];
  EXPECT_GE(json["certificate"]["error_bound"].get<double>(), exact * (1 - 1e-5));
  EXPECT_LE(json["certificate"]["best_possible_at_least"].get<double>(), exact * (1 + 1e-5));
}

TEST_F(DecompositionTest, TheVarianceTableAddsUp) {
  ASSERT_EQ(pca("out", {"--components", "40"}).exit_code, 0);
  const std::vector<std::string> lines =
      split(trim(read_file(path("out") / "explained_variance.csv")), '\n');
  ASSERT_EQ(lines.size(), 41u);
  EXPECT_EQ(
      lines[0],
      "component,singular_value,explained_variance,explained_variance_ratio,cumulative_ratio");
  const std::vector<std::string> first = split(lines[1], ',');
  const double sigma = parse_double(first[1], "sigma");
  EXPECT_NEAR(parse_double(first[2], "variance"), sigma * sigma / (kRows - 1),
              1e-9 * sigma * sigma);
  EXPECT_NEAR(parse_double(split(lines[40], ',')[4], "all"), 1, 1e-5);
}

TEST_F(DecompositionTest, OneAndTwoRanksGiveTheSameBits) {
  ASSERT_EQ(pca("one", {"--components", "5", "--scores", "--threads", "2"}).exit_code, 0);
  const Ended two = pca("two", {"--components", "5", "--scores", "--threads", "1"}, {.ranks = 2});
  ASSERT_EQ(two.exit_code, 0) << two.err;
  expect_same_files("one", "two",
                    {"components.npy", "singular_values.npy", "mean.npy", "scores.npy",
                     "explained_variance.csv", "scree.svg"});
  EXPECT_EQ(summary("one")["hash"], summary("two")["hash"]);
  EXPECT_EQ(summary("two")["counters"]["ranks"], 2);
  // Words of 8 bytes: the triangle of a Gram matrix; sums and squares of the columns, two each; a
  // histogram of 128 beside every one.
  EXPECT_EQ(summary("two")["counters"]["all_reduce_bytes_per_pass"],
            8 * (kCols * (kCols + 1) / 2 + 2 * 2 * kCols + 3 * 128));
}

TEST_F(DecompositionTest, TransformGivesTheScoresAndInverseTheRows) {
  ASSERT_EQ(pca("out", {"--components", "40", "--scores"}).exit_code, 0);
  const fs::path scores = path("again.npy"), rows = path("rows.npy"), two = path("two.npy");
  ASSERT_EQ(run({"pca", "transform", path("out"), matrix_file(), "--out", scores}).exit_code, 0);
  EXPECT_LT(largest_difference(array("again.npy"), array("out/scores.npy")), 1e-3);
  ASSERT_EQ(run({"pca", "inverse", path("out"), scores, "--out", rows}).exit_code, 0);
  // All 40 components: nothing is lost but the roundings of float32, at values up to 20.
  EXPECT_LT(largest_difference(array("rows.npy"), array("matrix.npy")), 1e-4);
  ASSERT_EQ(
      run({"pca", "transform", path("out"), matrix_file(), "--out", two}, {.ranks = 2}).exit_code,
      0);
  EXPECT_TRUE(read_file(scores) == read_file(two));
}

TEST_F(DecompositionTest, ScaledColumnsComeBackInTheirOwnUnits) {
  ASSERT_EQ(pca("out", {"--components", "40", "--scale", "--scores"}).exit_code, 0);
  ASSERT_EQ(array("out/scale.npy").rows, kCols);
  const fs::path rows = path("rows.npy");
  ASSERT_EQ(
      run({"pca", "inverse", path("out"), path("out") / "scores.npy", "--out", rows}).exit_code, 0);
  EXPECT_LT(largest_difference(array("rows.npy"), array("matrix.npy")), 1e-3);
}

TEST_F(DecompositionTest, SvdLeavesTheLeftVectorsToo) {
  const Ended ended =
      run({"svd", matrix_file(), "--components", "40", "--u", "--out", path("out")}, {.ranks = 2});
  ASSERT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_FALSE(fs::exists(path("out") / "mean.npy"));
  EXPECT_FALSE(fs::exists(path("out") / "scores.npy"));
  linalg::DenseMatrix u = array("out/u.npy");
  const linalg::DenseMatrix sigma = array("out/singular_values.npy");
  for (std::int64_t i = 0; i < u.rows; ++i)
    for (std::int64_t j = 0; j < u.cols; ++j) u(i, j) *= sigma(j, 0);
  EXPECT_LT(
      largest_difference(linalg::multiply(u, array("out/components.npy")), array("matrix.npy")),
      1e-6 * sigma(0, 0));
}

TEST_F(DecompositionTest, PicturesAreShownAsPictures) {
  std::vector<std::uint8_t> pixels;
  for (int i = 0; i < 50 * 6 * 5; ++i)
    pixels.push_back(static_cast<std::uint8_t>(
        random::below({1, random::Purpose::kTest}, 256, static_cast<std::uint64_t>(i))));
  matrix::write_npy(path("pictures.npy"), std::span<const std::uint8_t>(pixels), {50, 6, 5});
  const Ended ended = run({"pca", path("pictures.npy"), "--components", "3", "--out", path("out")});
  ASSERT_EQ(ended.exit_code, 0) << ended.err;
  const image::Image first = image::read_png(path("out") / "components" / "001.png");
  EXPECT_EQ(first.height, 6);
  EXPECT_EQ(first.width, 5);
  EXPECT_EQ(image::read_png(path("out") / "mean.png").width, 5);
  EXPECT_THAT(read_file(path("out") / "report.html"),
              AllOf(HasSubstr("Reconstructions"), Not(HasSubstr("<script"))));
}

TEST_F(DecompositionTest, AStoppedRunGoesOnFromItsLastWholePassToTheSameBits) {
  // Large enough that the first pass is over, and the last one not, when the signal comes; on a
  // faster machine more rows.
  const std::vector<std::string> more = {"--components", "20", "--passes", "5", "--threads", "1"};
  const auto command = [&](const std::string& out) {
    std::vector<std::string> words = {"pca", path("large.npy"), "--out", path(out)};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  Ended stopped;
  for (std::int64_t rows = 60'000; stopped.exit_code <= 0 && rows <= 1'000'000; rows *= 2) {
    fs::remove_all(path("out"));
    write_noise(path("large.npy"), rows, 500);
    const Started started = start(command("out"), {});
    wait_for_file(path("out.unfinished") / "svd.state");
    send_signal(started, SIGTERM);
    stopped = wait(started);
  }
  ASSERT_EQ(stopped.exit_code, 75) << stopped.err;
  EXPECT_THAT(stopped.complaint(), HasSubstr("the same command goes on after the last whole pass"));
  EXPECT_FALSE(fs::exists(path("out")));

  const Ended resumed = run(command("out"), {.ranks = 2});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_FALSE(fs::exists(path("out.unfinished")));
  ASSERT_EQ(run(command("undisturbed")).exit_code, 0);
  expect_same_files("out", "undisturbed", {"components.npy", "singular_values.npy", "mean.npy"});
  EXPECT_LT(summary("out")["counters"]["bytes_read_by_all_ranks"].get<std::int64_t>(),
            summary("undisturbed")["counters"]["bytes_read_by_all_ranks"].get<std::int64_t>());
}

TEST_F(DecompositionTest, AFolderForTheStateKeepsWhateverElseIsInIt) {
  fs::create_directory(path("mine"));
  const fs::path diary = write("mine/diary.txt", "dear diary");
  ASSERT_EQ(pca("out", {"--components", "3", "--checkpoint", path("mine"), "--restart"}).exit_code,
            0);
  EXPECT_TRUE(fs::exists(diary));
}

TEST_F(DecompositionTest, WithoutAFolderNothingIsWritten) {
  const Ended ended = run({"svd", matrix_file(), "--components", "3"});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("nothing was written"));
  EXPECT_THAT(left_behind(), IsEmpty());
}

TEST_F(DecompositionTest, AFolderIsReplacedOnlyWhenAskedAndOnlyIfItIsOurs) {
  ASSERT_EQ(pca("out", {"--components", "3"}).exit_code, 0);
  const std::string before = read_file(path("out") / "components.npy");
  const Ended refused = pca("out", {"--components", "4"});
  EXPECT_EQ(refused.exit_code, 78);
  EXPECT_THAT(refused.complaint(), HasSubstr("--overwrite"));
  EXPECT_TRUE(read_file(path("out") / "components.npy") == before);
  ASSERT_EQ(pca("out", {"--components", "4", "--overwrite"}).exit_code, 0);
  EXPECT_EQ(array("out/components.npy").rows, 4);

  fs::create_directory(path("mine"));
  write("mine/diary.txt", "dear diary");
  const Ended foreign = pca("mine", {"--components", "4", "--overwrite"});
  EXPECT_EQ(foreign.exit_code, 78);
  EXPECT_THAT(foreign.complaint(), HasSubstr("not the folder of a decomposition"));
  EXPECT_TRUE(fs::exists(path("mine") / "diary.txt"));
}

TEST_F(DecompositionTest, BadInputIsOneLineAndLeavesNothing) {
  matrix_file();
  std::vector<float> values = falling_matrix(30, 4);
  values[4 * 17 + 2] = std::nanf("");
  matrix::write_npy(path("nan.npy"), std::span<const float>(values), {30, 4});
  values[4 * 17 + 2] = INFINITY;
  matrix::write_npy(path("infinite.npy"), std::span<const float>(values), {30, 4});
  const std::string whole = read_file(path("nan.npy"));
  write("short.npy", whole.substr(0, whole.size() - 5));
  write("text.npy", "this is no array");
  struct Case {
    std::vector<std::string> words;
    std::string says;
  };
  const std::string good = path("matrix.npy");
  const std::vector<Case> cases = {
      {{path("nan.npy"), "--components", "2"}, "row 17"},
      {{path("infinite.npy"), "--components", "2"}, "row 17"},
      {{path("short.npy"), "--components", "2"}, "short.npy"},
      {{path("text.npy"), "--components", "2"}, "text.npy"},
      {{path("missing.npy")}, "missing.npy"},
      {{good, "--components", "0"}, "--components"},
      {{good, "--components", "-3"}, "--components"},
      {{good, "--components", "41"}, "40"},
      {{good, "--componets", "3"}, "did you mean '--components'"},
      {{good, "--explained", "1.5"}, "--explained"},
      {{good, "--components", "3", "--explained", "0.5"}, "give one"},
      {{good, "--precision", "float16"}, "float16"},
      {{good, "--memory", "lots"}, "2GB"},
      {{}, "no files"},
  };
  for (const Case& bad : cases) {
    SCOPED_TRACE(join(bad.words, " "));
    std::vector<std::string> words = {"pca", "--out", path("out")};
    words.insert(words.end(), bad.words.begin(), bad.words.end());
    const Ended ended = run(words);
    EXPECT_NE(ended.exit_code, 0);
    EXPECT_THAT(ended.complaint(), HasSubstr(bad.says));
    EXPECT_THAT(left_behind(), IsEmpty());
  }
}

TEST_F(DecompositionTest, AModelIsNotAppliedToWhatDoesNotFit) {
  ASSERT_EQ(pca("out", {"--components", "3"}).exit_code, 0);
  const Ended columns =
      run({"pca", "transform", path("out"), path("out") / "mean.npy", "--out", path("s")});
  EXPECT_EQ(columns.exit_code, 78);
  EXPECT_THAT(columns.complaint(), HasSubstr("wants 40"));
  const Ended missing =
      run({"pca", "transform", path("nowhere"), matrix_file(), "--out", path("s")});
  EXPECT_EQ(missing.exit_code, 66);
  EXPECT_FALSE(fs::exists(path("s")));
}

}  // namespace
}  // namespace hadal::launcher

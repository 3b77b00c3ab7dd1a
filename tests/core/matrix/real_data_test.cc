// The data sets and faces of HADAL_DATA; skipped where they are not.
#include <cstdlib>
#include <filesystem>
#include <numeric>

#include <gmock/gmock.h>

#include "core/matrix/open_rows.h"
#include "tests/core/matrix/read_all.h"

namespace hadal::matrix {
namespace {

namespace fs = std::filesystem;

// Skips the test when it is not there.
#define REQUIRE_DATA(path, name)                                                                \
  const char* root = std::getenv("HADAL_DATA");                                                 \
  if (root == nullptr || !fs::exists(fs::path(root) / (name))) GTEST_SKIP() << "no " << (name); \
  const std::string path = (fs::path(root) / (name)).string()

double mean_of(const RowSource& rows) {
  double sum = 0;
  for (std::int64_t row = 0; row < rows.rows(); row += 1000) {
    const auto block =
        read_block(rows, row, std::min<std::int64_t>(1000, rows.rows() - row), 0, rows.cols());
    sum = std::accumulate(block.begin(), block.end(), sum);
  }
  return sum / static_cast<double>(rows.rows() * rows.cols());
}

TEST(RealMatrices, Mnist) {
  REQUIRE_DATA(path, "MNIST/raw");
  const auto rows = open_rows({path});
  EXPECT_EQ(rows->rows(), 60000);
  EXPECT_EQ(rows->cols(), 784);
  EXPECT_EQ(rows->labels().size(), 60000u);
  EXPECT_EQ(rows->labels()[0], 5);
  EXPECT_NEAR(mean_of(*rows), 33.3184, 1e-4);  // 0.13066 of 255, the number everyone normalises by
}

TEST(RealMatrices, Cifar10) {
  REQUIRE_DATA(path, "cifar-10-batches-bin");
  const auto rows = open_rows({path});
  EXPECT_EQ(rows->rows(), 50000);
  EXPECT_EQ(rows->cols(), 3072);
  EXPECT_EQ(rows->label_names()[static_cast<std::size_t>(rows->labels()[0])], "frog");
  EXPECT_NEAR(mean_of(*rows), 120.7076, 1e-3);
}

TEST(RealMatrices, Cifar100) {
  REQUIRE_DATA(path, "cifar-100-binary");
  const auto rows = open_rows({path});
  EXPECT_EQ(rows->rows(), 50000);
  EXPECT_EQ(rows->label_names().size(), 100u);
}

TEST(RealMatrices, OrlFaces) {
  REQUIRE_DATA(path, "orl_faces");
  const auto rows = open_rows({path});
  EXPECT_EQ(rows->rows(), 400);
  EXPECT_EQ(rows->cols(), 112 * 92);
  EXPECT_EQ(rows->label_names().size(), 40u);
  EXPECT_EQ(rows->label_names()[1], "s2");
  EXPECT_EQ(rows->labels()[399], 39);
}

TEST(RealMatrices, PhotographsOfManySizes) {
  REQUIRE_DATA(path, "imagenet-slice");
  EXPECT_THAT(error_of([&] { open_rows({path}); }), testing::HasSubstr("--resize"));
  const auto rows = open_rows({path}, {.pictures = {.grey = true, .resize = PictureSize{32, 48}}});
  EXPECT_EQ(rows->rows(), 83);
  EXPECT_EQ(rows->labels().size(), 83u);
  EXPECT_EQ(read_all(*rows).size(), 83u * 32 * 48);
}

}  // namespace
}  // namespace hadal::matrix

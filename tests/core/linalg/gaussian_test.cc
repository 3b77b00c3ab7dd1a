#include "core/linalg/gaussian.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "core/base/random.h"

namespace hadal::linalg {
namespace {

TEST(GaussianMatrix, IsBoxMullerOfTheGenerator) {
  for (const std::int64_t row : {0, 1, 77777}) {
    std::vector<double> values(1001);
    gaussian_row({42, 3}, row, 0, values);
    const random::Stream stream{42, random::Purpose::kTestMatrix, static_cast<std::uint64_t>(row),
                                3};
    for (std::size_t j = 0; j < values.size(); ++j) {
      const double expected = random::normal(stream, j);
      // The judge rounds 2 pi u to 4e-16 and its cosine to 1e-16; the radius is at most 6.8.
      EXPECT_NEAR(values[j], expected, 6.8e-15) << row << "," << j;
    }
  }
}

TEST(GaussianMatrix, AnElementIsTheSameWhereverItIsMade) {
  const DenseMatrix whole = gaussian_matrix({7}, 5, 700);
  for (const std::int64_t first : {0, 4, 256, 696}) {
    std::vector<double> part(static_cast<std::size_t>(std::min<std::int64_t>(301, 700 - first)));
    gaussian_row({7}, 3, first, part);
    for (std::size_t j = 0; j < part.size(); ++j)
      EXPECT_EQ(part[j], whole(3, first + static_cast<std::int64_t>(j)));
  }
}

TEST(GaussianMatrix, ItsBitsAreFixed) {
  std::vector<double> values(3);
  gaussian_row({1}, 2, 4, values);
  EXPECT_EQ(values[0], -0x1.2b683c7e1bbd8p+0);
  EXPECT_EQ(values[1], -0x1.1bdaf43d89961p+0);
  EXPECT_EQ(values[2], -0x1.a30c07a69a421p-1);
}

TEST(GaussianMatrix, HasTheMomentsOfTheNormalDistribution) {
  const DenseMatrix x = gaussian_matrix({9}, 1000, 100);
  double m1 = 0, m2 = 0, m4 = 0;
  for (const double v : x.values) {
    m1 += v;
    m2 += v * v;
    m4 += v * v * v * v;
  }
  // Five standard deviations of the means of 1e5 values: var 1, 2 and 96.
  EXPECT_NEAR(m1 / 1e5, 0, 5 * std::sqrt(1 / 1e5));
  EXPECT_NEAR(m2 / 1e5, 1, 5 * std::sqrt(2 / 1e5));
  EXPECT_NEAR(m4 / 1e5, 3, 5 * std::sqrt(96 / 1e5));
}

}  // namespace
}  // namespace hadal::linalg

#include "experiments/studies/eigenfaces/suppression.h"

#include <gmock/gmock.h>

namespace hadal::eigenfaces {
namespace {

using ::testing::ElementsAre;

TEST(Overlap, IsIntersectionOverUnion) {
  const Box box{0, 0, 10, 10};
  EXPECT_DOUBLE_EQ(overlap(box, box), 1);
  EXPECT_DOUBLE_EQ(overlap(box, {5, 0, 10, 10}), 50.0 / 150);
  EXPECT_DOUBLE_EQ(overlap(box, {0, 0, 5, 5}), 0.25);
  EXPECT_DOUBLE_EQ(overlap(box, {10, 0, 10, 10}), 0);  // touching
  EXPECT_DOUBLE_EQ(overlap(box, {30, 30, 1, 1}), 0);
  EXPECT_DOUBLE_EQ(overlap({}, {}), 0);
}

TEST(Suppression, KeepsTheNearestOfThoseThatOverlap) {
  const Detection good{{0, 0, 10, 10}, 1}, shifted{{2, 0, 10, 10}, 2}, apart{{20, 0, 10, 10}, 3};
  EXPECT_THAT(suppressed({apart, shifted, good}, 0.5), ElementsAre(good, apart));
  // Overlap 80 / 120.
  EXPECT_THAT(suppressed({apart, shifted, good}, 0.7), ElementsAre(good, shifted, apart));
}

TEST(Suppression, IsNotDoneByWhatWasSuppressed) {
  // A chain: the middle one overlaps both, the outer ones hardly each other.
  const Detection left{{0, 0, 10, 10}, 1}, middle{{4, 0, 10, 10}, 2}, right{{8, 0, 10, 10}, 3};
  EXPECT_THAT(suppressed({left, middle, right}, 0.3), ElementsAre(left, right));
}

TEST(Suppression, KeepsTheFirstOfEqualOnes) {
  const Detection a{{0, 0, 10, 10}, 1}, b{{1, 0, 10, 10}, 1};
  EXPECT_THAT(suppressed({a, b}, 0.3), ElementsAre(a));
  EXPECT_THAT(suppressed({b, a}, 0.3), ElementsAre(b));
}

}  // namespace
}  // namespace hadal::eigenfaces

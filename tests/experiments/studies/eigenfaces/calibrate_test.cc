#include "experiments/studies/eigenfaces/calibrate.h"

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "tests/experiments/studies/eigenfaces/made_faces.h"

namespace hadal::eigenfaces {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

TEST(SeparatingThreshold, LiesBetweenSeparableValues) {
  EXPECT_DOUBLE_EQ(separating_threshold({1, 2, 3}, {7, 8}), 5);
}

TEST(SeparatingThreshold, MakesTheLeastSumOfShares) {
  // Below 2.5: one of four known refused, no stranger accepted.
  EXPECT_DOUBLE_EQ(separating_threshold({1, 1, 2, 9}, {3, 8, 9, 10}), 2.5);
}

TEST(UpperQuantile, IsExceededByTheShareAtMost) {
  EXPECT_EQ(upper_quantile({5, 1, 4, 2, 3}, 0.2), 4);
  EXPECT_EQ(upper_quantile({5, 1, 4, 2, 3}, 0.19), 5);
  EXPECT_EQ(upper_quantile({5, 1, 4, 2, 3}, 0), 5);
}

TEST(Calibration, HoldsEveryPictureOutOnce) {
  const Calibrated c = calibrate(made_faces(6, 5), {.components = 8});
  EXPECT_THAT(c.space, SizeIs(30));
  EXPECT_THAT(c.known, SizeIs(30));
  EXPECT_THAT(c.stranger, SizeIs(30));
  EXPECT_THAT(c.accuracies, SizeIs(all_likenesses().size()));
}

TEST(Calibration, TellsMadePeopleApart) {
  const Calibrated c = calibrate(made_faces(6, 5), {.components = 8});
  for (const Calibrated::Accuracy& of : c.accuracies)
    EXPECT_GE(of.accuracy, of.likeness == likeness_of(c.calibration.likeness) ? 1 : 0.8);
  const auto refused =
      std::ranges::count_if(c.known, [&](double d) { return d > c.calibration.person_threshold; });
  const auto accepted = std::ranges::count_if(
      c.stranger, [&](double d) { return d <= c.calibration.person_threshold; });
  EXPECT_LE(refused, 3);
  EXPECT_LE(accepted, 3);
}

TEST(Calibration, OfOnePictureAPersonIsRefused) {
  EXPECT_THAT([] { calibrate(made_faces(6, 1), {}); },
              ThrowsMessage<DataError>(HasSubstr("one of them with two pictures")));
}

TEST(Calibration, OfTwoPicturesAPersonDoesWithoutWithin) {
  const Calibrated c = calibrate(made_faces(6, 2), {}, {.folds = 2});
  for (const Calibrated::Accuracy& of : c.accuracies)
    EXPECT_NE(of.likeness.metric, Metric::kWithin);
}

}  // namespace
}  // namespace hadal::eigenfaces

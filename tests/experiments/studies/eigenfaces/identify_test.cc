#include "experiments/studies/eigenfaces/identify.h"

#include <numeric>

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "experiments/studies/eigenfaces/roc.h"
#include "tests/experiments/studies/eigenfaces/made_faces.h"

namespace hadal::eigenfaces {
namespace {

Model calibrated(const Pictures& faces) {
  const TrainOptions options{.components = 8};
  Model model = train(faces, options);
  model.calibration = calibrate(faces, options).calibration;
  return model;
}

TEST(Identifier, TellsTheFourCasesApart) {
  const Pictures faces = made_faces(8, 6);
  const Model model = calibrated(subset(faces, split(faces, {.train_per_person = 5}).train));
  const Identifier identifier(model);
  const Answer known = identifier.identify(faces.picture(0));
  EXPECT_EQ(known.verdict, Verdict::kKnown);
  EXPECT_EQ(known.match.label, 0);

  std::vector<std::uint8_t> board(143);
  for (std::size_t p = 0; p < board.size(); ++p) board[p] = p % 2 == 0 ? 255 : 0;
  EXPECT_EQ(identifier.identify(board).verdict, Verdict::kNoFace);

  Model strict = model;
  strict.calibration->person_threshold = 0;  // nobody is near enough
  EXPECT_EQ(Identifier(strict).identify(faces.picture(0)).verdict, Verdict::kUnknown);
}

TEST(Identifier, WantsThresholds) {
  const Model model = train(made_faces(3, 3));
  EXPECT_THROW(Identifier{model}, ConfigError);
}

TEST(IdentifyStudy, AsksAboutEveryPictureThatWasNotTrainedOn) {
  const IdentifyStudy study = study_identification(
      made_faces(8, 6), made_faces(1, 7),
      {.splits = 3, .split = {.train_per_person = 4, .strangers = 2}, .train = {.components = 6}});
  EXPECT_EQ(study.known.count(), 3 * 6 * 2);
  EXPECT_EQ(study.strangers.count(), 3 * 2 * 6);
  EXPECT_EQ(study.strangers.right, 0);
  EXPECT_EQ(study.not_faces.count(), 3 * 7);
  EXPECT_EQ(std::accumulate(study.confusion.begin(), study.confusion.end(), std::int64_t{0}),
            3 * 6 * 2);
  EXPECT_EQ(study.chosen.size(), 3u);
  for (const IdentifyStudy::Score& score : study.scores)
    EXPECT_EQ(score.accuracies.size(), 3u) << name_of(score.likeness);
}

TEST(Roc, OfSeparateValuesHasTheAreaOne) {
  EXPECT_DOUBLE_EQ(roc({1, 2}, {3, 4}).area, 1);
  EXPECT_DOUBLE_EQ(roc({3, 4}, {1, 2}).area, 0);
}

TEST(Roc, AreaIsTheShareOfPairsInOrderAndHalfOfTies) {
  // (1,2) (1,2) (2,2)half (2,2)half (5,.) none: of 6 pairs, 2 + 1.
  const Roc curve = roc({1, 2, 5}, {2, 2});
  EXPECT_DOUBLE_EQ(curve.area, 3.0 / 6);
  EXPECT_EQ(curve.points.front().true_share, 0);
  EXPECT_EQ(curve.points.back().true_share, 1);
  EXPECT_EQ(curve.points.back().false_share, 1);
}

}  // namespace
}  // namespace hadal::eigenfaces

#include "experiments/studies/eigenfaces/detection_score.h"

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "core/base/files.h"

namespace hadal::eigenfaces {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

const Box kFace{100, 100, 40, 40}, kOther{200, 100, 40, 40};

TEST(Found, ByOverlapWantsHalfOfTheUnion) {
  EXPECT_TRUE(found(kFace, {100, 100, 40, 20}, Criterion::kOverlap));  // exactly half
  EXPECT_FALSE(found(kFace, {100, 100, 40, 19}, Criterion::kOverlap));
  EXPECT_TRUE(found(kFace, {110, 100, 40, 40}, Criterion::kOverlap));  // 1200 / 2000
  EXPECT_FALSE(found(kFace, {114, 100, 40, 40}, Criterion::kOverlap));
}

TEST(Found, ByCentreWantsItInsideAndAWidthWithinTwice) {
  EXPECT_TRUE(found(kFace, {119, 119, 40, 40}, Criterion::kCentre));
  EXPECT_FALSE(found(kFace, {121, 100, 40, 40}, Criterion::kCentre));
  EXPECT_TRUE(found(kFace, {110, 110, 20, 20}, Criterion::kCentre));
  EXPECT_FALSE(found(kFace, {111, 111, 19, 19}, Criterion::kCentre));
  EXPECT_FALSE(found(kFace, {75, 75, 81, 81}, Criterion::kCentre));
}

// Best first: hits kFace; hits it again; nothing; hits kOther.
Judged made_picture() {
  return {.faces = {kFace, kOther},
          .detections = {{{101, 100, 40, 40}, 1},
                         {{99, 100, 40, 40}, 2},
                         {{0, 0, 40, 40}, 3},
                         {{200, 104, 40, 40}, 4}}};
}

TEST(Counts, OfASmallCaseAreThoseByHand) {
  const std::vector<Judged> pictures = {made_picture(), {.faces = {kFace}, .detections = {}}};
  const Counts two = count(pictures, 2, Criterion::kOverlap);
  EXPECT_EQ(two.faces, 3);
  EXPECT_EQ(two.hits, 1);
  EXPECT_EQ(two.false_alarms, 1);  // a face is found once
  const Counts all = count(pictures, 9, Criterion::kOverlap);
  EXPECT_DOUBLE_EQ(all.recall(), 2.0 / 3);
  EXPECT_DOUBLE_EQ(all.precision(), 0.5);
  const Counts none = count(pictures, 0.5, Criterion::kOverlap);
  EXPECT_DOUBLE_EQ(none.recall(), 0);
  EXPECT_DOUBLE_EQ(none.precision(), 0);  // no detection, no division
}

TEST(Counts, GiveADetectionBetweenTwoFacesTheOneItOverlapsMore) {
  const Box near{110, 100, 40, 40};
  const std::vector<Judged> picture = {
      {.faces = {kFace, near}, .detections = {{{108, 100, 40, 40}, 1}, {{102, 100, 40, 40}, 2}}}};
  EXPECT_EQ(count(picture, 2, Criterion::kOverlap).hits, 2);
}

TEST(ScoreCurve, RisesFromNothingToEveryDetection) {
  const std::vector<Judged> pictures = {made_picture()};
  const std::vector<ScorePoint> curve = score_curve(pictures, Criterion::kOverlap);
  std::vector<int> hits, alarms;
  for (const ScorePoint& point : curve) {
    hits.push_back(point.counts.hits);
    alarms.push_back(point.counts.false_alarms);
  }
  EXPECT_THAT(hits, ElementsAre(0, 1, 1, 1, 2));
  EXPECT_THAT(alarms, ElementsAre(0, 0, 1, 2, 2));
  EXPECT_DOUBLE_EQ(recall_at(curve, 0), 0.5);
  EXPECT_DOUBLE_EQ(recall_at(curve, 1.9), 0.5);
  EXPECT_DOUBLE_EQ(recall_at(curve, 2), 1);
}

class BoxFiles : public testing::Test {
 protected:
  TemporaryFolder folder;
  std::string file = (folder.path() / "boxes.csv").string();
};

TEST_F(BoxFiles, AreReadByPicture) {
  write_file_atomically(
      file, "file,left,top,width,height\r\na.jpg,1,2,3,4\nb.jpg,5,6,7,8\na.jpg,9,9,9,9.5\n");
  const auto boxes = read_boxes(file);
  EXPECT_THAT(boxes.at("a.jpg"), ElementsAre(Box{1, 2, 3, 4}, Box{9, 9, 9, 9.5}));
  EXPECT_THAT(boxes.at("b.jpg"), ElementsAre(Box{5, 6, 7, 8}));
}

TEST_F(BoxFiles, ThatAreWrongAreRefusedByLine) {
  const auto refuses = [&](const std::string& text, const std::string& message) {
    write_file_atomically(file, text);
    EXPECT_THAT([&] { read_boxes(file); }, ThrowsMessage<DataError>(HasSubstr(message)));
  };
  refuses("a.jpg,1,2,3,4\n", "boxes.csv, line 1: wanted the heading file,left");
  refuses("file,left,top,width,height\na.jpg,1,2,3\n", "boxes.csv, line 2: 4 fields");
  refuses("file,left,top,width,height\na.jpg,1,2,three,4\n", "line 2: a box: ");
  refuses("file,left,top,width,height\na.jpg,1,2,0,4\n", "line 2: a box of 0x4 pixels");
}

}  // namespace
}  // namespace hadal::eigenfaces

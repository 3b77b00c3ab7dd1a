// The ORL faces, where HADAL_DATA names a folder that holds orl_faces.
#include <cstdlib>

#include <gmock/gmock.h>

#include "experiments/studies/eigenfaces/face_folder.h"
#include "experiments/studies/eigenfaces/face_space.h"
#include "experiments/studies/eigenfaces/identify.h"
#include "experiments/studies/eigenfaces/occlusion.h"
#include "experiments/studies/eigenfaces/roc.h"

namespace hadal::eigenfaces {
namespace {

#define FOLDER_OR_SKIP(name, folder)                                                            \
  if (!std::getenv("HADAL_DATA")) GTEST_SKIP() << "HADAL_DATA names no folder with " folder;    \
  const std::filesystem::path name = std::filesystem::path(std::getenv("HADAL_DATA")) / folder; \
  if (!std::filesystem::is_directory(name)) GTEST_SKIP() << name << " is not there"

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

TEST(Orl, MorePeopleAreRecognisedThanByTheDistanceOfWeights) {
  FOLDER_OR_SKIP(folder, "orl_faces");
  const Pictures faces = read_faces(folder);
  ASSERT_EQ(faces.count(), 400);
  const IdentifyStudy study = study_identification(
      faces, {.height = 112, .width = 92}, {.splits = 4, .train = {.components = 50, .shift = 2}});
  // l2 to unmoved pictures, which is what OpenCV's recogniser does, has 0.9465 over ten splits.
  EXPECT_GT(mean(study.chosen), 0.955);
  EXPECT_LT(static_cast<double>(study.known.wrong) / static_cast<double>(study.known.count()),
            0.03);
}

TEST(Orl, FacesAreToldFromWindowsOfPhotographs) {
  FOLDER_OR_SKIP(folder, "orl_faces");
  FOLDER_OR_SKIP(photos, "photos");
  const Pictures faces = read_faces(folder);
  const Split parts = split(faces, {});
  const Pictures known = subset(faces, parts.train);
  const TrainOptions options{.components = 100, .lighting = Lighting::kNormalised};
  const Model model = train(known, options);
  const FaceDistance unit = calibrate(known, options, {.ridge = false}).calibration.held_out_mean;
  const Projector projector(model);
  const auto distances = [&](const Pictures& pictures) {
    std::vector<double> all;
    for (std::int64_t i = 0; i < pictures.count(); ++i)
      all.push_back(balanced_distance(projector.project(pictures.picture(i)).distance, unit));
    return all;
  };
  const Pictures windows = random_windows(read_photographs(photos), 112, 92, 300, false, 1);
  EXPECT_GT(roc(distances(subset(faces, parts.test)), distances(windows)).area, 0.98);
}

TEST(Orl, VisiblePixelsTellMoreOfHiddenOnesThanThePlainProjection) {
  FOLDER_OR_SKIP(folder, "orl_faces");
  const Pictures faces = read_faces(folder);
  const Split parts = split(faces, {});
  const Model model = train(subset(faces, parts.train), {.components = 100});
  double plain = 0, fitted = 0;
  for (std::size_t i = 0; i < parts.test.size(); i += 10) {
    const std::span<const std::uint8_t> truth = faces.picture(parts.test[i]);
    const Visible visible =
        all_but(random_rectangle(0.25, 112, 92, {1, random::Purpose::kTest, 9, i}), 112, 92);
    const std::vector<float> face = lit(truth, Lighting::kAsIs);
    const auto squared = [&](const std::vector<float>& weights) {
      const double rmse = hidden_rmse(truth, filled(model, truth, visible, {}, weights), visible);
      return rmse * rmse;
    };
    plain += squared(project_zero_filled(model, face, visible));
    fitted += squared(project_visible(model, face, visible, 12000));
  }
  EXPECT_LT(std::sqrt(fitted), 0.85 * std::sqrt(plain));
}

}  // namespace
}  // namespace hadal::eigenfaces

// Faces in a picture, at every position and scale: the face map of each level of a pyramid, windows
// as rough as faces are, local minima, the best of those that overlap.
#pragma once

#include <limits>
#include <span>
#include <vector>

#include "core/image/image.h"
#include "experiments/studies/eigenfaces/face_map.h"
#include "experiments/studies/eigenfaces/pyramid.h"
#include "experiments/studies/eigenfaces/suppression.h"

namespace hadal::eigenfaces {

struct LocateOptions {
  MapDistance distance = MapDistance::kBalanced;
  PyramidOptions pyramid{};
  /// Only windows in the model's range of roughness, where it was calibrated.
  bool check_roughness = true;
  double least_deviation = 6;  // grey levels: flatter windows are no faces
  double overlap = 0.2;        // of two detections, at most
  /// Of the root of the map's value (a balanced distance is about 1 for faces).
  double threshold = std::numeric_limits<double>::infinity();
  int most = 200;  // detections a picture
};

struct Located {
  std::vector<Detection> faces{};  // by rising distance
  /// Root of the least value over all levels of windows that are centred on each pixel of the
  /// picture (their middle `scale` pixels); NaN where none was looked at.
  std::vector<double> map{};  // H x W
};

class FaceLocator {
 public:
  /// Plans for pictures of these sizes. Throws ConfigError as FaceMapper and pyramid_levels().
  FaceLocator(const Model& model, const LocateOptions& options,
              std::span<const PictureSize> expected);

  /// Of a picture in grey or colour and of any size.
  Located locate(const image::Image& picture) const;

 private:
  Model model_;
  LocateOptions options_;
  FaceMapper mapper_;
};

/// The largest threshold with at most `false_alarms` detections a picture on average where there is
/// no face at all: midway between two distances, or just below the least; infinite when all of them
/// are few enough. REQUIRES: there are pictures.
double threshold_for(std::span<const Located> without_faces, double false_alarms);

}  // namespace hadal::eigenfaces

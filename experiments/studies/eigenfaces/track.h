// A face through a sequence of pictures: where something moved the face map is looked at, and
// around the last place when nothing moved.
// Source: Turk, Pentland 1991, "Tracking moving faces": differences, filtered, thresholded, blobs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "experiments/studies/eigenfaces/locate.h"
#include "experiments/studies/eigenfaces/motion.h"

namespace hadal::eigenfaces {

struct TrackOptions {
  LocateOptions locate{};
  MotionOptions motion{};
  double margin = 0.5;  // around what moved or the last face, of its sides
  /// Added to the distance for every width that a face lies beside the middle of what moved or
  /// would have moved itself, and for every factor of e that it would have grown or shrunk.
  double inertia = 0.5;
  double growth = 1.25;  // a face is at most so much wider or narrower than the last
  /// A face is in the middle of what moved: its centre lies in the blob's box, and it is at least
  /// this part of the box's shorter side wide.
  double least_part = 0.4;
};

enum class LookedAt { kEverything, kMotion, kLastPlace };
/// "everything", "motion", "last place".
std::string name_of(LookedAt looked_at);

struct Sighting {
  LookedAt looked_at = LookedAt::kEverything;
  Box region{};                     // that was looked at
  std::optional<Box> moving{};      // the largest blob
  std::optional<Detection> face{};  // the best in it, if any
  bool anew = false;                // no way leads here from the faces before
};

/// Takes one picture after another.
class FaceTracker {
 public:
  /// Throws ConfigError as FaceLocator.
  FaceTracker(const Model& model, const TrackOptions& options, PictureSize size);

  /// The face in the next picture: the least distance plus inertia in the region around the largest
  /// blob; around the last face when nothing moved; everywhere as long as there is neither. A last
  /// face apart from what moves is forgotten. Throws ShapeError for a picture of another size.
  Sighting next(const image::Image& picture);

 private:
  Sighting region_of(const image::Image& grey) const;
  double cost(const Detection& face, const std::optional<Box>& moving) const;

  TrackOptions options_;
  int window_height_, window_width_;
  PictureSize size_;
  FaceLocator locator_;
  std::optional<image::Image> before_{};
  std::optional<Detection> last_{};
};

}  // namespace hadal::eigenfaces

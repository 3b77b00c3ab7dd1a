// A picture in smaller and smaller sizes, so that a window of one size finds faces of all.
#pragma once

#include <vector>

#include "core/image/image.h"
#include "experiments/studies/eigenfaces/face_correlation.h"

namespace hadal::eigenfaces {

struct PyramidOptions {
  double ratio = 1.2;  // from one level to the next
  /// Widths of windows in pixels of the picture; 0: from 24 or the window's own width, the larger,
  /// to all of the picture.
  int smallest = 0, largest = 0;
};

/// A pixel of the level is `scale` pixels of the picture, in x and in y.
struct Level {
  PictureSize size{};
  double scale = 1;
};

/// From the smallest windows to the largest; none when not one window fits. Below scale 1 the
/// picture is enlarged. Throws ConfigError for a ratio not above 1, or smallest above largest.
std::vector<Level> pyramid_levels(PictureSize picture, int window_height, int window_width,
                                  const PyramidOptions& options = {});

}  // namespace hadal::eigenfaces

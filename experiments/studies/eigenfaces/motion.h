// What moved between two pictures of a sequence.
#pragma once

#include <vector>

#include "core/image/image.h"
#include "experiments/studies/eigenfaces/suppression.h"

namespace hadal::eigenfaces {

struct MotionOptions {
  int blur = 9;               // side of the box that differences are averaged over, in pixels
  double threshold = 6;       // grey levels of an averaged difference
  double least_area = 0.001;  // of the picture, of a blob
};

/// Connected pixels (by sides or corners) that changed.
struct Blob {
  Box box{};
  int pixels = 0;
};

/// |now - before|, averaged over boxes, where it is above the threshold; the largest blob first.
/// Throws ShapeError unless both are grey and of one size.
std::vector<Blob> moving_blobs(const image::Image& before, const image::Image& now,
                               const MotionOptions& options = {});

}  // namespace hadal::eigenfaces

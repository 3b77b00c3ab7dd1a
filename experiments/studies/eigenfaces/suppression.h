// Boxes in a picture, and of many that overlap the best.
#pragma once

#include <vector>

namespace hadal::eigenfaces {

/// In pixels, with fractions.
struct Box {
  double left = 0, top = 0, width = 0, height = 0;

  double area() const { return width * height; }
  friend bool operator==(const Box&, const Box&) = default;
};

/// Area of the intersection over area of the union, in 0..1; 0 when neither has an area.
double overlap(const Box& a, const Box& b);

struct Detection {
  Box box{};
  double distance = 0;  // the smaller, the more a face

  friend bool operator==(const Detection&, const Detection&) = default;
};

/// Takes the detection of least distance, drops all that overlap it by more than `limit`, and so on
/// with the rest: sorted by distance; equal ones keep their order. A threshold on the distance may
/// be set before or after with the same result.
std::vector<Detection> suppressed(std::vector<Detection> detections, double limit);

}  // namespace hadal::eigenfaces

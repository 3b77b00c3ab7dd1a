#include "experiments/studies/eigenfaces/suppression.h"

#include <algorithm>

namespace hadal::eigenfaces {

double overlap(const Box& a, const Box& b) {
  const double width = std::min(a.left + a.width, b.left + b.width) - std::max(a.left, b.left);
  const double height = std::min(a.top + a.height, b.top + b.height) - std::max(a.top, b.top);
  const double both = std::max(width, 0.0) * std::max(height, 0.0);
  const double either = a.area() + b.area() - both;
  return either > 0 ? both / either : 0;
}

std::vector<Detection> suppressed(std::vector<Detection> detections, double limit) {
  std::ranges::stable_sort(detections, {}, &Detection::distance);
  std::vector<Detection> kept;
  for (const Detection& detection : detections)
    if (std::ranges::none_of(
            kept, [&](const Detection& k) { return overlap(k.box, detection.box) > limit; }))
      kept.push_back(detection);
  return kept;
}

}  // namespace hadal::eigenfaces

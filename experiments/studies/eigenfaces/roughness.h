// How rough a window is: what tells smooth and busy windows from faces before any face space.
//
//   across = sum (p[y, x+1] - p[y, x])^2 / sum (p - mean)^2,   down = the same of rows
//
// over the window. Photographs are full of windows that are smoother than any face (sky, walls,
// slow shadows); relit, they lie near every face space, because its leading eigenfaces are smooth.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/image/image.h"
#include "experiments/studies/eigenfaces/pictures.h"

namespace hadal::eigenfaces {

struct Roughness {
  double across = 0, down = 0;
};

/// 0, 0 for a window of one grey level.
Roughness roughness_of(std::span<const std::uint8_t> window, int height, int width);

/// Of every window of a grey picture, at its place in a face map; by sums that slide, exact. Throws
/// ShapeError as windows_of().
std::vector<Roughness> roughness_map(const image::Image& picture, int height, int width);

/// What faces are like: across, down and across / down each within their bounds.
struct RoughnessRange {
  Roughness low{}, high{};
  double low_ratio = 0, high_ratio = 0;

  bool contains(const Roughness& roughness) const;
};

/// Bounds that leave out the share `beyond` of pictures at each end of each of the three. Throws
/// DataError for no pictures.
RoughnessRange roughness_range(const Pictures& faces, double beyond = 0.01);

}  // namespace hadal::eigenfaces

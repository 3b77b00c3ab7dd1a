// A picture in another size or in other colours.
#pragma once

#include "core/image/image.h"

namespace hadal::image {

/// Side by side, first across, then down. A side that shrinks is averaged over area: output pixel i
/// of n is the mean of the input over [i, i + 1) * (input side / n), pixels at the edges in part. A
/// side that grows is interpolated linearly between pixel centres and constant beyond the
/// outermost. Means are rounded to the nearest byte, once. Throws ShapeError for sizes below 1.
Image resize(const Image& image, int height, int width);

/// Luma of ITU-R BT.601, (299 r + 587 g + 114 b + 500) / 1000; a grey picture stays as it is.
Image to_grey(const Image& image);

/// Three equal channels; an RGB picture stays as it is.
Image to_rgb(const Image& image);

}  // namespace hadal::image

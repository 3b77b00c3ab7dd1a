// The part of pictures of faces that a window looks for: brows to mouth rather than hair and
// background, in the size that small faces have.
#pragma once

#include "experiments/studies/eigenfaces/occlusion.h"
#include "experiments/studies/eigenfaces/pictures.h"

namespace hadal::eigenfaces {

/// `part` of every picture in height x width pixels, scaled as image::resize() does. People, labels
/// and files stay. Throws ConfigError when the part is empty or reaches outside, or for a size
/// below 2x2.
Pictures scaled_part(const Pictures& pictures, const Rectangle& part, int height, int width);

}  // namespace hadal::eigenfaces

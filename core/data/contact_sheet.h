#pragma once

#include <cstdint>

#include "core/data/dataset.h"
#include "core/image/image.h"

namespace hadal::data {

/// Samples of a set at a glance: one row per class (the first `classes` of them), `columns` images
/// each, in the order of the set, enlarged `zoom` times by repeating pixels, with a dark line
/// between. Places without an image stay dark. Throws ConfigError for counts out of range.
image::Image contact_sheet(const ImageSet& set, int classes, int columns = 10, int zoom = 2);

}  // namespace hadal::data

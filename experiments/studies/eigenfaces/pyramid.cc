#include "experiments/studies/eigenfaces/pyramid.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/base/error.h"

namespace hadal::eigenfaces {

std::vector<Level> pyramid_levels(PictureSize picture, int window_height, int window_width,
                                  const PyramidOptions& options) {
  if (!(options.ratio > 1))
    throw ConfigError(
        fmt::format("pyramid: ratio {} between levels, wanted one above 1, as 1.2", options.ratio));
  if (options.largest > 0 && options.smallest > options.largest)
    throw ConfigError(fmt::format("pyramid: smallest window {} is above the largest, {}",
                                  options.smallest, options.largest));
  constexpr int kSmallest = 24;
  const double smallest =
      options.smallest > 0 ? options.smallest : std::max(kSmallest, window_width);
  std::vector<Level> levels;
  for (double scale = smallest / window_width;; scale *= options.ratio) {
    const Level level{.size = {.height = static_cast<int>(std::lround(picture.height / scale)),
                               .width = static_cast<int>(std::lround(picture.width / scale))},
                      .scale = scale};
    if (level.size.height < window_height || level.size.width < window_width) return levels;
    if (options.largest > 0 && scale * window_width > options.largest) return levels;
    levels.push_back(level);
  }
}

}  // namespace hadal::eigenfaces

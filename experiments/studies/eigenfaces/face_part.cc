#include "experiments/studies/eigenfaces/face_part.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/image/resize.h"

namespace hadal::eigenfaces {

Pictures scaled_part(const Pictures& pictures, const Rectangle& part, int height, int width) {
  if (part.left < 0 || part.top < 0 || part.width < 1 || part.height < 1 ||
      part.width > pictures.width - part.left || part.height > pictures.height - part.top)
    throw ConfigError(fmt::format("part {},{},{},{} does not lie within pictures of {}x{} pixels",
                                  part.left, part.top, part.width, part.height, pictures.width,
                                  pictures.height));
  if (height < 2 || width < 2)
    throw ConfigError(fmt::format("faces of {}x{} pixels: wanted at least 2x2", width, height));
  Pictures result = pictures;
  result.height = height;
  result.width = width;
  result.pixels.clear();
  for (std::int64_t i = 0; i < pictures.count(); ++i) {
    image::Image inner{.height = part.height, .width = part.width, .channels = 1};
    const std::span<const std::uint8_t> all = pictures.picture(i);
    for (int y = part.top; y < part.top + part.height; ++y) {
      const auto* const row = all.data() + std::ptrdiff_t{y} * pictures.width + part.left;
      inner.pixels.insert(inner.pixels.end(), row, row + part.width);
    }
    const image::Image scaled = image::resize(inner, height, width);
    result.pixels.insert(result.pixels.end(), scaled.pixels.begin(), scaled.pixels.end());
  }
  return result;
}

}  // namespace hadal::eigenfaces

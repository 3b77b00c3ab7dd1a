#include "experiments/studies/eigenfaces/pictures.h"

#include <algorithm>

namespace hadal::eigenfaces {

std::vector<std::uint8_t> shifted(const Pictures& pictures, std::int64_t i, int down, int right) {
  const std::span<const std::uint8_t> picture = pictures.picture(i);
  std::vector<std::uint8_t> moved;
  moved.reserve(picture.size());
  for (int y = 0; y < pictures.height; ++y)
    for (int x = 0; x < pictures.width; ++x) {
      const int from_y = std::clamp(y - down, 0, pictures.height - 1);
      const int from_x = std::clamp(x - right, 0, pictures.width - 1);
      moved.push_back(picture[static_cast<std::size_t>(from_y * pictures.width + from_x)]);
    }
  return moved;
}

Pictures subset(const Pictures& pictures, std::span<const std::int64_t> indices) {
  Pictures chosen{.height = pictures.height, .width = pictures.width, .people = pictures.people};
  for (const std::int64_t i : indices) {
    const std::span<const std::uint8_t> picture = pictures.picture(i);
    chosen.pixels.insert(chosen.pixels.end(), picture.begin(), picture.end());
    chosen.labels.push_back(pictures.labels[static_cast<std::size_t>(i)]);
    if (!pictures.files.empty())
      chosen.files.push_back(pictures.files[static_cast<std::size_t>(i)]);
  }
  return chosen;
}

}  // namespace hadal::eigenfaces

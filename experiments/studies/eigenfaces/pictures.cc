#include "experiments/studies/eigenfaces/pictures.h"

namespace hadal::eigenfaces {

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

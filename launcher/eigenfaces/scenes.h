// Pictures with faces somewhere in them, as `locate` and `track` read and show them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/image/image.h"
#include "experiments/figures/figure.h"
#include "experiments/studies/eigenfaces/locate.h"

namespace hadal::launcher::faces {

struct Scene {
  std::string name;  // of the file, without its folder
  image::Image image{};
};

/// Pictures and, in the order of their names (numbers by value), those of folders. Throws IoError,
/// DataError; ConfigError for two of one name, or when there is none.
std::vector<Scene> read_scenes(const std::vector<std::string>& paths);

std::vector<eigenfaces::PictureSize> sizes_of(std::span<const Scene> scenes);

/// Name of a file of its own beside others: "group.jpg", "faces" gives "group_faces.png".
std::string drawn_name(const Scene& scene, const std::string& what);

/// Boxes with their distances; `drawn` beside them dashed.
figures::Figure with_boxes(const image::Image& picture,
                           std::span<const eigenfaces::Detection> detections,
                           std::span<const eigenfaces::Box> drawn = {});

/// The picture's map, light where a face is likely: from `low` and below to `high` and above.
image::Image map_picture(const eigenfaces::Located& located, const image::Image& picture,
                         double low, double high);

}  // namespace hadal::launcher::faces

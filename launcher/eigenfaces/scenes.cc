#include "launcher/eigenfaces/scenes.h"

#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "core/image/read_image.h"
#include "experiments/figures/heat_map.h"
#include "experiments/figures/pictures.h"
#include "experiments/studies/eigenfaces/face_folder.h"
#include "launcher/formats/format.h"

namespace hadal::launcher::faces {
namespace {

namespace fs = std::filesystem;

}  // namespace

std::vector<Scene> read_scenes(const std::vector<std::string>& paths) {
  std::vector<Scene> scenes;
  std::set<std::string> stems;
  for (const std::string& path : paths)
    for (const fs::path& file :
         fs::is_directory(path) ? eigenfaces::picture_files(path) : std::vector<fs::path>{path}) {
      if (!stems.insert(file.stem().string()).second)
        throw ConfigError(fmt::format(
            "{}: another picture is named {} too, and what is written would have one name; give "
            "them in two runs",
            file.string(), file.stem().string()));
      scenes.push_back({file.filename().string(), image::read_image(file)});
    }
  if (scenes.empty())
    throw ConfigError(
        fmt::format("no pictures in {}: wanted .png, .jpg, .pgm or .ppm", join(paths, ", ")));
  return scenes;
}

std::vector<eigenfaces::PictureSize> sizes_of(std::span<const Scene> scenes) {
  std::vector<eigenfaces::PictureSize> sizes;
  for (const Scene& scene : scenes) sizes.push_back({scene.image.height, scene.image.width});
  return sizes;
}

std::string drawn_name(const Scene& scene, const std::string& what) {
  return fmt::format("{}_{}.png", fs::path(scene.name).stem().string(), what);
}

figures::Figure with_boxes(const image::Image& picture,
                           std::span<const eigenfaces::Detection> detections,
                           std::span<const eigenfaces::Box> drawn) {
  figures::MarkedPicture marked{.image = picture};
  for (const eigenfaces::Box& box : drawn)
    marked.boxes.push_back(
        {box.left, box.top, box.width, box.height, "", /*colour=*/1, /*dashed=*/true});
  for (const auto& [box, distance] : detections)
    marked.boxes.push_back(
        {box.left, box.top, box.width, box.height, fmt::format("{:.2f}", distance)});
  return figures::marked_picture(std::move(marked));
}

image::Image map_picture(const eigenfaces::Located& located, const image::Image& picture,
                         double low, double high) {
  std::vector<double> likely;
  for (const double value : located.map) likely.push_back(-value);
  return figures::heat_pixels(likely, picture.height, picture.width, -high, -low);
}

}  // namespace hadal::launcher::faces

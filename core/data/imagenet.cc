#include "core/data/imagenet.h"

#include "core/base/error.h"

namespace hadal::data {

DatasetInfo imagenet_info() {
  DatasetInfo info;
  info.name = "imagenet";
  info.description =
      "ILSVRC-2012, 224x224 crops in 1,000 classes: for `hadal plan` only, it cannot be read";
  info.page = "https://www.image-net.org/challenges/LSVRC/2012/";
  info.classes = 1000;
  info.height = info.width = 224;
  info.options = {{"shorter_side", "256", "pixels of the shorter side before cropping, or a range"},
                  {"crop", "224", "side of the crop"},
                  {"random_area", "false", "crops of random area and aspect"}};
  info.counts = [](const OptionValues&) { return ImageCounts{1'281'167, 50'000}; };
  info.load = [](const std::filesystem::path&, const OptionValues&) -> Dataset {
    throw ConfigError(
        "data set imagenet cannot be read by this program; `hadal plan` works on it, training does "
        "not");
  };
  return info;
}

}  // namespace hadal::data

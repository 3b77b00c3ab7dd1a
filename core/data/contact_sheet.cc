#include "core/data/contact_sheet.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "core/base/error.h"

namespace hadal::data {
namespace {

constexpr std::uint8_t kGround = 32;
constexpr int kLine = 2;  // pixels between images
constexpr std::int64_t kMaxBytes = std::int64_t{1} << 28;

void paste(const ImageSet& set, std::int64_t which, int zoom, int top, int left,
           image::Image& sheet) {
  const std::uint8_t* from = set.image(which);
  for (int y = 0; y < set.height * zoom; ++y)
    for (int x = 0; x < set.width * zoom; ++x)
      std::copy_n(
          from + ((y / zoom) * set.width + x / zoom) * set.channels, set.channels,
          sheet.pixels.begin() + (std::int64_t{top + y} * sheet.width + left + x) * set.channels);
}

}  // namespace

image::Image contact_sheet(const ImageSet& set, int classes, int columns, int zoom) {
  if (classes < 1 || columns < 1 || columns > 1000 || zoom < 1 || zoom > 64)
    throw ConfigError(fmt::format(
        "contact sheet: {} rows, {} columns, zoom {}, wanted 1 to 1000 columns and zoom 1 to 64",
        classes, columns, zoom));
  const int cell_height = set.height * zoom + kLine, cell_width = set.width * zoom + kLine;
  image::Image sheet{.height = classes * cell_height + kLine,
                     .width = columns * cell_width + kLine,
                     .channels = set.channels};
  const std::int64_t bytes = std::int64_t{sheet.height} * sheet.width * sheet.channels;
  if (bytes > kMaxBytes)
    throw ConfigError(fmt::format("contact sheet: {}x{} pixels are too many, ask for fewer columns",
                                  sheet.height, sheet.width));
  sheet.pixels.assign(static_cast<std::size_t>(bytes), kGround);
  std::vector<int> filled(static_cast<std::size_t>(classes));
  for (std::int64_t i = 0; i < set.count; ++i) {
    const std::int32_t label = set.labels[static_cast<std::size_t>(i)];
    if (label >= classes || filled[static_cast<std::size_t>(label)] == columns) continue;
    const int column = filled[static_cast<std::size_t>(label)]++;
    paste(set, i, zoom, label * cell_height + kLine, column * cell_width + kLine, sheet);
  }
  return sheet;
}

}  // namespace hadal::data

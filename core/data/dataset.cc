#include "core/data/dataset.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/error.h"

namespace hadal::data {

std::vector<std::int64_t> label_histogram(const ImageSet& set, int classes,
                                          const std::string& what) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(classes));
  for (std::size_t i = 0; i < set.labels.size(); ++i) {
    const std::int32_t label = set.labels[i];
    if (label < 0 || label >= classes)
      throw DataError(
          fmt::format("{}: image {} has label {}, wanted 0 to {}", what, i, label, classes - 1));
    ++counts[static_cast<std::size_t>(label)];
  }
  return counts;
}

void append(ImageSet& set, ImageSet&& more) {
  if (set.count == 0) {
    set = std::move(more);
    return;
  }
  if (set.height != more.height || set.width != more.width || set.channels != more.channels)
    throw DataError(fmt::format("images of {}x{}x{} cannot join images of {}x{}x{}", more.height,
                                more.width, more.channels, set.height, set.width, set.channels));
  set.pixels.insert(set.pixels.end(), more.pixels.begin(), more.pixels.end());
  set.labels.insert(set.labels.end(), more.labels.begin(), more.labels.end());
  set.count += more.count;
}

ImageSet padded(const ImageSet& set, int border) {
  HADAL_CHECK(border >= 0);
  ImageSet out;
  out.count = set.count;
  out.height = set.height + 2 * border;
  out.width = set.width + 2 * border;
  out.channels = set.channels;
  out.labels = set.labels;
  out.pixels.resize(static_cast<std::size_t>(out.count * out.bytes_per_image()));
  const std::int64_t row = static_cast<std::int64_t>(set.width) * set.channels;
  const std::int64_t out_row = static_cast<std::int64_t>(out.width) * out.channels;
  for (std::int64_t i = 0; i < set.count; ++i)
    for (int y = 0; y < set.height; ++y)
      std::copy_n(set.image(i) + y * row, row,
                  out.pixels.data() + i * out.bytes_per_image() + (y + border) * out_row +
                      static_cast<std::int64_t>(border) * set.channels);
  return out;
}

}  // namespace hadal::data

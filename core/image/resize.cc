#include "core/image/resize.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "core/base/error.h"

namespace hadal::image {
namespace {

// Output position = sum of weights[i] * input[first + i].
struct Taps {
  int first = 0;
  std::vector<float> weights{};
};

std::vector<Taps> taps_of(int from, int to) {
  std::vector<Taps> all;
  const double scale = static_cast<double>(from) / to;
  for (int i = 0; i < to; ++i) {
    Taps taps;
    if (to < from) {
      const double begin = i * scale, end = std::min<double>((i + 1) * scale, from);
      taps.first = static_cast<int>(begin);
      for (int j = taps.first; j < end; ++j)
        taps.weights.push_back(static_cast<float>(
            (std::min<double>(j + 1, end) - std::max<double>(j, begin)) / scale));
    } else {
      const double centre = std::clamp((i + 0.5) * scale - 0.5, 0.0, from - 1.0);
      taps.first = static_cast<int>(centre);
      const double past = centre - taps.first;
      taps.weights = {static_cast<float>(1 - past)};
      if (past > 0) taps.weights.push_back(static_cast<float>(past));
    }
    all.push_back(std::move(taps));
  }
  return all;
}

}  // namespace

Image resize(const Image& image, int height, int width) {
  if (height < 1 || width < 1 || image.height < 1 || image.width < 1)
    throw ShapeError(fmt::format("resize: from {}x{} to {}x{}, wanted at least one pixel",
                                 image.height, image.width, height, width));
  const auto channels = static_cast<std::size_t>(image.channels);
  const std::size_t out_row = static_cast<std::size_t>(width) * channels;
  const std::size_t in_row = static_cast<std::size_t>(image.width) * channels;
  const std::vector<Taps> across = taps_of(image.width, width),
                          down = taps_of(image.height, height);
  std::vector<float> rows(static_cast<std::size_t>(image.height) * out_row);
  for (std::size_t y = 0; y < static_cast<std::size_t>(image.height); ++y)
    for (std::size_t x = 0; x < static_cast<std::size_t>(width); ++x)
      for (std::size_t i = 0; i < across[x].weights.size(); ++i)
        for (std::size_t c = 0; c < channels; ++c)
          rows[y * out_row + x * channels + c] +=
              across[x].weights[i] *
              image.pixels[y * in_row + (static_cast<std::size_t>(across[x].first) + i) * channels +
                           c];
  Image out{.height = height, .width = width, .channels = image.channels};
  out.pixels.resize(static_cast<std::size_t>(height) * out_row);
  for (std::size_t y = 0; y < static_cast<std::size_t>(height); ++y)
    for (std::size_t x = 0; x < out_row; ++x) {
      float value = 0;
      for (std::size_t i = 0; i < down[y].weights.size(); ++i)
        value +=
            down[y].weights[i] * rows[(static_cast<std::size_t>(down[y].first) + i) * out_row + x];
      out.pixels[y * out_row + x] =
          static_cast<std::uint8_t>(std::clamp(std::floor(value + 0.5f), 0.0f, 255.0f));
    }
  return out;
}

Image to_grey(const Image& image) {
  if (image.channels == 1) return image;
  Image grey{.height = image.height, .width = image.width, .channels = 1};
  grey.pixels.reserve(image.pixels.size() / 3);
  for (std::size_t i = 0; i < image.pixels.size(); i += 3)
    grey.pixels.push_back(static_cast<std::uint8_t>(
        (299 * image.pixels[i] + 587 * image.pixels[i + 1] + 114 * image.pixels[i + 2] + 500) /
        1000));
  return grey;
}

Image to_rgb(const Image& image) {
  if (image.channels == 3) return image;
  Image rgb{.height = image.height, .width = image.width, .channels = 3};
  rgb.pixels.reserve(3 * image.pixels.size());
  for (const std::uint8_t value : image.pixels) rgb.pixels.insert(rgb.pixels.end(), 3, value);
  return rgb;
}

}  // namespace hadal::image

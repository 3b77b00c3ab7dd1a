// What tests of pictures share.
#pragma once

#include <string>

#include "core/base/error.h"
#include "core/image/image.h"
#include "tests/core/mutated.h"

namespace hadal::image {

inline Image counted(int height, int width, int channels) {
  Image image{.height = height, .width = width, .channels = channels};
  for (int i = 0; i < height * width * channels; ++i)
    image.pixels.push_back(static_cast<std::uint8_t>(i * 7));
  return image;
}

/// Reads `rounds` damaged copies of `good`: each gives a picture of as many bytes as its size says,
/// or DataError. Returns how many were refused.
template <typename Decode>
int refused_mutations(const std::string& good, int rounds, Decode decode) {
  int refused = 0;
  for (int round = 0; round < rounds; ++round) {
    const std::string bytes = mutated(good, static_cast<std::uint64_t>(round));
    try {
      const Image image = decode(bytes);
      if (image.pixels.size() != static_cast<std::size_t>(image.height) *
                                     static_cast<std::size_t>(image.width) *
                                     static_cast<std::size_t>(image.channels))
        return -1;
    } catch (const DataError&) {
      ++refused;
    }
  }
  return refused;
}

}  // namespace hadal::image

// What tests of pictures share.
#pragma once

#include <string>

#include "core/base/error.h"
#include "core/base/random.h"
#include "core/image/image.h"

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
  const random::Stream stream{.seed = 1, .purpose = random::Purpose::kTest};
  std::uint64_t draw = 0;
  const auto below = [&](std::size_t n) {
    return random::below(stream, static_cast<std::uint32_t>(n), draw++);
  };
  int refused = 0;
  for (int round = 0; round < rounds; ++round) {
    std::string bytes = good;
    for (std::uint32_t changes = 1 + below(3); changes > 0; --changes) {
      // Headers are where the harm is: half of the places are among the first bytes.
      const std::size_t at =
          below(2) == 0 ? below(std::min<std::size_t>(40, bytes.size())) : below(bytes.size());
      switch (below(4)) {
        case 0:
          bytes.resize(at + 1);
          break;
        case 1:
          bytes.insert(at, bytes.substr(at, 1 + below(30)));
          break;
        case 2:
          bytes[at] = below(2) == 0 ? '\xff' : '9';
          break;
        default:
          bytes[at] = static_cast<char>(below(256));
      }
    }
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

#pragma once

#include <cstdint>
#include <vector>

namespace hadal::image {

/// An 8-bit picture, grey (1 channel) or RGB (3).
struct Image {
  int height = 0, width = 0, channels = 0;
  std::vector<std::uint8_t> pixels{};  // height x width x channels

  friend bool operator==(const Image&, const Image&) = default;
};

}  // namespace hadal::image

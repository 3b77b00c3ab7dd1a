#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hadal::image {

/// An 8-bit picture, grey (1 channel) or RGB (3).
struct Image {
  int height = 0, width = 0, channels = 0;
  std::vector<std::uint8_t> pixels{};  // height x width x channels

  friend bool operator==(const Image&, const Image&) = default;
};

/// What a file's header says of the picture that decoding it gives.
struct ImageSize {
  int height = 0, width = 0, channels = 0;

  friend bool operator==(const ImageSize&, const ImageSize&) = default;
};

// What readers take, so that a damaged header cannot ask for any amount of memory.
inline constexpr std::uint64_t kMaxPixels = 100'000'000;
inline constexpr std::size_t kMaxFileBytes = std::size_t{1} << 30;

}  // namespace hadal::image

// Grey pictures of one size, each of a person: what eigenfaces are trained on and asked about.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace hadal::eigenfaces {

struct Pictures {
  int height = 0, width = 0;
  std::vector<std::uint8_t> pixels{};  // count x height x width
  std::vector<int> labels{};           // count, indices into `people`
  std::vector<std::string> people{};
  std::vector<std::string> files{};  // count, for messages and pages; may be empty

  std::int64_t count() const { return static_cast<std::int64_t>(labels.size()); }
  std::int64_t size() const { return std::int64_t{height} * width; }
  std::span<const std::uint8_t> picture(std::int64_t i) const {
    return {pixels.data() + i * size(), static_cast<std::size_t>(size())};
  }
};

/// Picture i moved by (down, right) pixels; what it leaves free repeats its edge.
std::vector<std::uint8_t> shifted(const Pictures& pictures, std::int64_t i, int down, int right);

/// These pictures in this order; all people keep their labels.
Pictures subset(const Pictures& pictures, std::span<const std::int64_t> indices);

}  // namespace hadal::eigenfaces

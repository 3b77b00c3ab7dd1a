// Products of 8-bit pictures as integers: exact, so in any order the same.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace hadal::eigenfaces {

struct GramMatrix {
  std::vector<std::int64_t> products{};  // m x m: sum over pixels of x_i x_j
  std::vector<std::int64_t> sums{};      // m: of all pixels of x_i
};

/// `pixels`: m x n. REQUIRES: n below 2^31.
GramMatrix gram_of(std::span<const std::uint8_t> pixels, std::int64_t m, std::int64_t n);

}  // namespace hadal::eigenfaces

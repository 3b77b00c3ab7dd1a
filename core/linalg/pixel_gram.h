// Gram matrices of bytes, in whole numbers.
#pragma once

#include <cstdint>

#include "core/linalg/aligned_buffer.h"
#include "core/linalg/fixed_point.h"

namespace hadal::linalg {

/// Whether this machine multiplies bytes four at a time (AVX-512 VNNI).
bool has_pixel_gram();

/// Pixel (i, k), i < depth, k < n, lies at pixels[i * along + k * across]; one of the two is 1.
struct Pixels {
  const std::uint8_t* data = nullptr;
  std::int64_t depth = 0, along = 0;
  std::int64_t n = 0, across = 0;
};

/// G(k, j) += sum_i p(i, k) p(i, j), k <= j (packed_index), exactly; exponent of the sum is 0.
/// REQUIRES: has_pixel_gram(). `scratch` is the calling thread's.
void add_pixel_gram(const Pixels& pixels, FixedPointSum& g, AlignedBuffer<std::uint8_t>& scratch);

}  // namespace hadal::linalg

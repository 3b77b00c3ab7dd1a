// Philox4x32-10 (Salmon et al. 2011), the same words as core/base/random.h draws.
#pragma once

#include <cstdint>

#include "core/base/portable.h"
#include "core/base/random.h"

namespace hadal::cuda {

struct FourWords {
  std::uint32_t of[4];
};

/// Draws 4i .. 4i+3 of the stream: random::block.
HADAL_PORTABLE inline FourWords philox_block(const random::Stream& s, std::uint64_t i) {
  std::uint32_t c0 = static_cast<std::uint32_t>(i), c1 = static_cast<std::uint32_t>(s.b),
                c2 = static_cast<std::uint32_t>(s.a),
                c3 = static_cast<std::uint32_t>(s.purpose) << 24 |
                     static_cast<std::uint32_t>(i >> 32);
  std::uint32_t key0 = static_cast<std::uint32_t>(s.seed),
                key1 = static_cast<std::uint32_t>(s.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * c0, p1 = std::uint64_t{0xCD9E8D57u} * c2;
    c0 = static_cast<std::uint32_t>(p1 >> 32) ^ c1 ^ key0;
    c1 = static_cast<std::uint32_t>(p1);
    c2 = static_cast<std::uint32_t>(p0 >> 32) ^ c3 ^ key1;
    c3 = static_cast<std::uint32_t>(p0);
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return {{c0, c1, c2, c3}};
}

/// random::uniform of a draw's word.
HADAL_PORTABLE inline float uniform_of(std::uint32_t word) {
  return static_cast<float>(word >> 8) * 0x1p-24f;
}

}  // namespace hadal::cuda

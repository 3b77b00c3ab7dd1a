// Damaged files for tests of readers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/base/random.h"

namespace hadal {

inline constexpr std::uint64_t kMutationSeed = 20240711;

/// One to four changes to `good`: a byte, a bit, an interesting value, a cut, a doubled or lost
/// piece. `Bytes` is a string or vector of bytes.
template <typename Bytes>
Bytes mutated(const Bytes& good, std::uint64_t round) {
  using Byte = typename Bytes::value_type;
  const random::Stream stream{.seed = kMutationSeed, .purpose = random::Purpose::kTest, .a = round};
  std::uint64_t draw = 0;
  const auto below = [&](std::size_t n) -> std::size_t {
    return random::below(stream, static_cast<std::uint32_t>(std::max<std::size_t>(n, 1)), draw++);
  };
  // Headers are where the harm is: half of the places are among the first bytes.
  const auto place = [&](const Bytes& b) {
    return below(2) == 0 ? below(std::min<std::size_t>(b.size(), 256)) : below(b.size());
  };
  Bytes bytes = good;
  for (std::size_t changes = 1 + below(4); changes > 0 && !bytes.empty(); --changes) {
    const std::size_t at = place(bytes);
    const auto position = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    const std::size_t piece = std::min(below(64) + 1, bytes.size() - at);
    const auto end = position + static_cast<std::ptrdiff_t>(piece);
    switch (below(6)) {
      case 0:
        *position = static_cast<Byte>(below(256));
        break;
      case 1:
        *position = static_cast<Byte>(*position ^ static_cast<Byte>(1u << below(8)));
        break;
      case 2:
        for (std::size_t i = at; i < std::min(at + 4, bytes.size()); ++i)
          bytes[i] = static_cast<Byte>(below(2) == 0 ? 0xff : 0x7f);
        break;
      case 3:
        bytes.resize(at);
        break;
      case 4: {
        const Bytes copy(position, end);
        bytes.insert(position, copy.begin(), copy.end());
        break;
      }
      default:
        bytes.erase(position, end);
    }
  }
  return bytes;
}

}  // namespace hadal

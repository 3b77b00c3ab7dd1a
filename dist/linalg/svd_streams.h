// What an SVD draws random matrices for, each from a stream of its own.
#pragma once

#include <cstdint>

namespace hadal::dist {

inline constexpr std::uint32_t kStartStream = 0, kProbeStream = 1, kMoreStream = 2,
                               kBeyondStream = 3;

}  // namespace hadal::dist

#pragma once

#include <cstdint>

#include "core/graph.h"

namespace hadal {

/// Draws the gates of a step from (seed, step) alone, so that every rank gets the same mask with no
/// message.
class GateSampler {
 public:
  virtual ~GateSampler() = default;
  virtual GateMask sample(std::uint64_t seed, std::uint64_t step) const = 0;
};

}  // namespace hadal

// Sixteen Philox4x32-10 blocks at once, the same words as core/base/random.h draws one by one.
#pragma once

#include <cstdint>

#include "core/base/random.h"
#include "core/tensor.h"

namespace hadal::cpu {

/// Bit i of `bits` says whether random::uniform(stream, first + i) >= threshold, for i < count.
/// `bits` has room for count rounded up to 64. Needs AVX-512.
void draw_at_least(const random::Stream& stream, std::uint64_t first, std::int64_t count,
                   float threshold, std::uint64_t* bits);

}  // namespace hadal::cpu

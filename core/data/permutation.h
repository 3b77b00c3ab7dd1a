#pragma once

#include <cstdint>
#include <vector>

#include "core/base/random.h"

namespace hadal::data {

/// 0 .. count-1 in an order drawn from `stream` alone (Fisher-Yates; count below 2^32).
std::vector<std::int64_t> permutation(std::int64_t count, const random::Stream& stream);

}  // namespace hadal::data

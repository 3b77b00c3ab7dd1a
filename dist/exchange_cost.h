#pragma once

#include <cstdint>

#include "core/params.h"

namespace hadal::dist {

/// What a rank sends in one step for gradients, statistics and the sums of the metrics.
struct ExchangeCost {
  std::int64_t bytes = 0, messages = 0;
};

/// Counted, not computed: rank 0 of `ranks` exchanges zeros with nobody. Overwrites the gradients
/// and statistics of `parameters`. Every gate is open. Throws ConfigError when the shards (0: one
/// per rank) cannot be spread over the ranks.
ExchangeCost exchange_cost(const Parameters& parameters, int ranks, int logical_shards);

}  // namespace hadal::dist

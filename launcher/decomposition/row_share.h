// Rows dealt out to ranks in order, where nothing but the work depends on who has which.
#pragma once

#include <algorithm>
#include <cstdint>

#include "dist/communicator.h"

namespace hadal::launcher {

struct RowShare {
  std::int64_t first = 0, end = 0;
};

inline RowShare rows_of(const dist::Communicator& comm, std::int64_t rows) {
  return {rows * comm.rank() / comm.size(), rows * (comm.rank() + 1) / comm.size()};
}

/// visit(first, count) over the rows of a share, at most `block` at a time.
template <typename Visit>
void for_blocks(const RowShare& share, std::int64_t block, const Visit& visit) {
  for (std::int64_t first = share.first; first < share.end; first += block)
    visit(first, std::min(block, share.end - first));
}

}  // namespace hadal::launcher

// Waiting for devices that exchange, without ever hanging: a kernel of NCCL whose peer is gone
// spins for ever, and the host that waits for it with it. The watchdog (watchdog.h) sees the ranks
// of its machine and names the one that is missing; this is for what it cannot see, and says what
// this rank itself knows.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/base/clock.h"
#include "dist/device_exchange.h"

namespace hadal::dist {

struct WatchedWaitOptions {
  /// Longest wait for one mark. Longer than the watchdog's, which knows more.
  double limit_s = 90;
  /// "rank 1 (node17)".
  std::string who = "this rank";
};

/// Calls `work`, which asks something of the exchange. When that throws CommError, everything under
/// way is given up (DeviceExchange::abort()) and the error says where and what it was: "rank 1
/// (node17): NCCL 2.28.9: remote process exited in all-reduce bucket 3 of step 812".
void call_watched(DeviceExchange& exchange, const std::string& what,
                  const std::function<void()>& work, const WatchedWaitOptions& options = {});

/// Polls as call_watched() does, calling `relax` in between, until `mark` is done. When that is not
/// in `limit_s`, gives up likewise, with exit code kHang.
void wait_watched(DeviceExchange& exchange, std::int64_t mark, const std::string& what,
                  const Clock& clock, const std::function<void()>& relax,
                  const WatchedWaitOptions& options = {});

}  // namespace hadal::dist

#include "dist/watched_wait.h"

#include <fmt/format.h>

#include "core/base/error.h"

namespace hadal::dist {

void call_watched(DeviceExchange& exchange, const std::string& what,
                  const std::function<void()>& work, const WatchedWaitOptions& options) try {
  work();
} catch (const CommError& error) {
  exchange.abort();
  throw CommError(fmt::format("{}: {}: {} in {}", options.who, exchange.name(), error.what(), what),
                  error.exit_code());
}

void wait_watched(DeviceExchange& exchange, std::int64_t mark, const std::string& what,
                  const Clock& clock, const std::function<void()>& relax,
                  const WatchedWaitOptions& options) {
  const double start = clock.now_s();
  while (true) {
    bool is_done = false;
    call_watched(
        exchange, what, [&] { is_done = exchange.done(mark); }, options);
    if (is_done) return;
    const double waited_s = clock.now_s() - start;
    if (waited_s > options.limit_s) {
      exchange.abort();
      throw CommError(fmt::format("{}: {}: {} did not end in {:.0f} s (limit {:.0f} s, --patience "
                                  "waits longer); some rank does not take part",
                                  options.who, exchange.name(), what, waited_s, options.limit_s),
                      ExitCode::kHang);
    }
    relax();
  }
}

}  // namespace hadal::dist

#include "dist/watched_wait.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/dist/fake_exchange.h"

namespace hadal::dist {
namespace {

class HandClock final : public Clock {
 public:
  double now_s() const override { return now; }
  void sleep(double seconds) override { now += seconds; }
  double now = 100;
};

const WatchedWaitOptions kOptions = {.limit_s = 10, .who = "rank 1 (node17)"};

CommError error_of(FakeExchange& exchange, std::int64_t mark, HandClock& clock) {
  try {
    wait_watched(
        exchange, mark, "all-reduce bucket 3 of step 812", clock, [&] { clock.sleep(1); },
        kOptions);
  } catch (const CommError& error) {
    return error;
  }
  return CommError("none");
}

TEST(WatchedWait, PollsUntilTheMarkIsDone) {
  FakeExchange exchange;
  HandClock clock;
  exchange.polls_before_done = 5;
  EXPECT_STREQ(error_of(exchange, 0, clock).what(), "none");
  EXPECT_EQ(exchange.polls, 6);
  EXPECT_EQ(clock.now, 105);
  EXPECT_EQ(exchange.aborts, 0);
}

TEST(WatchedWait, AnErrorNamesTheRankAndTheBucketAndGivesUp) {
  FakeExchange exchange;
  HandClock clock;
  exchange.broken_mark = 7;
  const CommError error = error_of(exchange, 7, clock);
  EXPECT_STREQ(error.what(),
               "rank 1 (node17): NCCL of a test: remote process exited in all-reduce bucket 3 of "
               "step 812");
  EXPECT_EQ(error.exit_code(), ExitCode::kPeerLost);
  EXPECT_EQ(exchange.aborts, 1);
}

TEST(WatchedWait, SilenceBeyondTheLimitNamesTheRankAndTheBucketAndGivesUp) {
  FakeExchange exchange;
  HandClock clock;
  exchange.stuck_mark = 7;
  const CommError error = error_of(exchange, 7, clock);
  EXPECT_STREQ(error.what(),
               "rank 1 (node17): NCCL of a test: all-reduce bucket 3 of step 812 did not end in "
               "11 s (limit 10 s, --patience waits longer); some rank does not take part");
  EXPECT_EQ(error.exit_code(), ExitCode::kHang);
  EXPECT_EQ(exchange.aborts, 1);
}

}  // namespace
}  // namespace hadal::dist

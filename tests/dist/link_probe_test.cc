#include "dist/link_probe.h"

#include <gtest/gtest.h>

#include "dist/thread_communicator.h"

namespace hadal::dist {
namespace {

constexpr LinkProbeOptions kQuick = {
    .round_trips = 5, .large_round_trips = 2, .large_bytes = 1 << 16};

TEST(LinkProbe, EveryPairOfFourRanksIsMeasuredAndAllRanksHearOfIt) {
  run_ranks(4, [](Communicator& comm) {
    const auto links = probe_links(comm, kQuick);
    ASSERT_EQ(links.size(), 6u);
    for (const LinkReport& link : links) {
      EXPECT_LT(link.a, link.b);
      EXPECT_GT(link.latency_s, 0);
      EXPECT_GT(link.bytes_per_s, 0);
      // Threads of one process read one clock.
      EXPECT_LE(std::abs(link.clock_offset_s), link.clock_error_s + 1e-3);
    }
  });
}

TEST(LinkProbe, ManyRanksMeasureTheirNeighboursAndTheRoot) {
  run_ranks(10, [](Communicator& comm) { EXPECT_EQ(probe_links(comm, kQuick).size(), 9u + 8u); });
}

TEST(LinkProbe, OneRankHasNoLinks) {
  run_ranks(1, [](Communicator& comm) { EXPECT_TRUE(probe_links(comm, kQuick).empty()); });
}

}  // namespace
}  // namespace hadal::dist

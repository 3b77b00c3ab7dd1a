// What a message between two ranks costs, and how far their clocks are apart: for people who want
// to know their cluster before they train on it.
#pragma once

#include <cstddef>
#include <vector>

#include "dist/communicator.h"

namespace hadal::dist {

struct LinkReport {
  int a = 0, b = 0;           // ranks, a < b
  double latency_s = 0;       // half of the median round trip of 8 bytes
  double bytes_per_s = 0;     // of one large message, there and back; median
  double clock_offset_s = 0;  // b's wall clock minus a's, by the quickest round trip
  double clock_error_s = 0;   // the offset is right within this: half of that round trip
};

struct LinkProbeOptions {
  int round_trips = 200;
  int large_round_trips = 7;
  std::size_t large_bytes = std::size_t{4} << 20;
};

/// All pairs of up to eight ranks; of more, each with its successor and with rank 0. One pair at a
/// time, so that they do not disturb each other. Collective; the same list on every rank.
std::vector<LinkReport> probe_links(Communicator& comm, const LinkProbeOptions& options = {});

}  // namespace hadal::dist

#include "dist/link_probe.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/clock.h"
#include "core/base/error.h"

namespace hadal::dist {
namespace {

constexpr int kTag = 77;
constexpr int kAllPairsUpTo = 8;

using Bytes = std::vector<std::byte>;

void finish(Communicator& comm, Request& request) {
  while (!request.test()) comm.relax();
}

void send(Communicator& comm, const Bytes& bytes, int to) {
  finish(comm, *comm.start_send(bytes, to, kTag));
}

void receive(Communicator& comm, Bytes& bytes, int from) {
  finish(comm, *comm.start_receive(bytes, from, kTag));
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Seconds of each round trip of `bytes` bytes, on the side that asks.
std::vector<double> ask(Communicator& comm, int other, std::size_t bytes, int times) {
  Bytes message(bytes);
  std::vector<double> seconds;
  const SystemClock clock;
  for (int i = 0; i < times; ++i) {
    const double start = clock.now_s();
    send(comm, message, other);
    receive(comm, message, other);
    seconds.push_back(clock.now_s() - start);
  }
  return seconds;
}

void answer(Communicator& comm, int other, std::size_t bytes, int times) {
  Bytes message(bytes);
  for (int i = 0; i < times; ++i) {
    receive(comm, message, other);
    send(comm, message, other);
  }
}

/// The other answers with its wall clock; the quickest round trip says most.
void ask_clock(Communicator& comm, LinkReport& link, int times) {
  Bytes message(sizeof(double));
  const SystemClock clock;
  double quickest = 0;
  for (int i = 0; i < times; ++i) {
    const double start = clock.now_s(), wall = wall_time_s();
    send(comm, message, link.b);
    receive(comm, message, link.b);
    const double round_trip = clock.now_s() - start;
    double theirs = 0;
    std::memcpy(&theirs, message.data(), sizeof theirs);
    if (i > 0 && round_trip >= quickest) continue;
    quickest = round_trip;
    link.clock_offset_s = theirs - (wall + round_trip / 2);
    link.clock_error_s = round_trip / 2;
  }
}

void answer_clock(Communicator& comm, int other, int times) {
  Bytes message(sizeof(double));
  for (int i = 0; i < times; ++i) {
    receive(comm, message, other);
    const double now = wall_time_s();
    std::memcpy(message.data(), &now, sizeof now);
    send(comm, message, other);
  }
}

std::vector<std::pair<int, int>> pairs_of(int ranks) {
  std::vector<std::pair<int, int>> pairs;
  for (int a = 0; a < ranks; ++a)
    for (int b = a + 1; b < ranks; ++b)
      if (ranks <= kAllPairsUpTo || a == 0 || b == a + 1) pairs.emplace_back(a, b);
  return pairs;
}

}  // namespace

std::vector<LinkReport> probe_links(Communicator& comm, const LinkProbeOptions& options) {
  HADAL_CHECK(options.round_trips > 0 && options.large_round_trips > 0);
  std::vector<LinkReport> links;
  for (const auto& [a, b] : pairs_of(comm.size())) {
    comm.barrier();
    LinkReport link;
    link.a = a;
    link.b = b;
    if (comm.rank() == a) {
      ask(comm, b, 8, options.round_trips / 10 + 1);  // connections are made by first messages
      link.latency_s = median(ask(comm, b, 8, options.round_trips)) / 2;
      link.bytes_per_s = 2 * static_cast<double>(options.large_bytes) /
                         median(ask(comm, b, options.large_bytes, options.large_round_trips));
      ask_clock(comm, link, options.round_trips);
    } else if (comm.rank() == b) {
      answer(comm, a, 8, options.round_trips / 10 + 1);
      answer(comm, a, 8, options.round_trips);
      answer(comm, a, options.large_bytes, options.large_round_trips);
      answer_clock(comm, a, options.round_trips);
    }
    comm.broadcast(std::as_writable_bytes(std::span(&link, 1)), a);
    links.push_back(link);
  }
  return links;
}

}  // namespace hadal::dist

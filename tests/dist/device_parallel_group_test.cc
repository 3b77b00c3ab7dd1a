// Sums on devices that are made up: whoever but their kernels touches their memory crashes.
#include "dist/device_parallel_group.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/reference/reference_backend.h"
#include "dist/self_communicator.h"
#include "dist/slices.h"
#include "dist/staged_exchange.h"
#include "dist/thread_communicator.h"
#include "tests/core/fake_device.h"
#include "tests/dist/fake_exchange.h"
#include "tests/dist/leaves.h"

namespace hadal::dist {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;
using testing::ThrowsMessage;

using Extent = ReplicaBuffers::Extent;
const std::vector<Extent> kEntries = {{0, 100},    {112, 16},   {128, 1000}, {1136, 7},
                                      {1152, 600}, {1760, 500}, {2272, 1824}};
const std::vector<Extent> kStatistics = {{0, 20}, {32, 32}};
constexpr std::int64_t kElements = 4096, kStatisticsElements = 64;
constexpr int kSteps = 2;

struct Result {
  std::vector<float> gradients, statistics;
  std::vector<std::int64_t> bytes;
  bool same_values(const Result& other) const {
    return gradients == other.gradients && statistics == other.statistics;
  }
};

/// What one shard leaves in its buffer: the active entries, padding zero.
std::vector<float> shard_values(const std::vector<Extent>& entries, std::int64_t elements,
                                const std::vector<std::uint8_t>& active, int shard, int seed) {
  const auto values = leaf(shard, elements, static_cast<std::uint64_t>(seed));
  std::vector<float> buffer(values.size(), 0.0F);
  for (std::size_t e = 0; e < entries.size(); ++e)
    if (active.empty() || active[e] != 0)
      std::copy_n(values.data() + entries[e].offset, entries[e].elements,
                  buffer.data() + entries[e].offset);
  return buffer;
}

/// Steps of `group` on buffers that `put` fills and `get` reads.
template <typename Put, typename Get>
Result run_steps(ReplicaGroup& group, const std::vector<std::uint8_t>& active, const Put& put,
                 const Get& get) {
  Result result;
  for (int step = 0; step < kSteps; ++step) {
    group.begin_step(step, active, {});
    for (int shard = group.shards().first; shard < group.shards().last; ++shard) {
      put(shard_values(kEntries, kElements, active, shard, 10 + step),
          shard_values(kStatistics, kStatisticsElements, {}, shard, 20 + step));
      group.shard_done();
    }
    group.finish();
    const Result now = get();
    // Of entries that are not active nothing is promised.
    for (std::size_t e = 0; e < kEntries.size(); ++e)
      if (active.empty() || active[e] != 0)
        result.gradients.insert(result.gradients.end(), now.gradients.begin() + kEntries[e].offset,
                                now.gradients.begin() + kEntries[e].offset + kEntries[e].elements);
    result.statistics.insert(result.statistics.end(), now.statistics.begin(), now.statistics.end());
    result.bytes.push_back(group.step_bytes_sent());
  }
  return result;
}

Result on_hosts(int ranks, int shards, const std::vector<std::uint8_t>& active) {
  Result result;
  run_ranks(ranks, [&](Communicator& comm) {
    DataParallelGroup group(comm, {.logical_shards = shards});
    std::vector<float> gradients(kElements), statistics(kStatisticsElements);
    group.attach({kEntries, gradients, kStatistics, statistics});
    const Result own = run_steps(
        group, active,
        [&](const auto& g, const auto& s) {
          gradients = g;
          statistics = s;
        },
        [&] {
          return Result{gradients, statistics, {}};
        });
    if (comm.rank() == 0) result = own;
  });
  return result;
}

/// Every rank's device ends with the same; that of rank 0 is returned.
Result on_devices(int ranks, int shards, const std::vector<std::uint8_t>& active,
                  const DeviceParallelOptions& options = {.bucket_bytes = 1024}) {
  std::vector<Result> of_rank(static_cast<std::size_t>(ranks));
  run_ranks(ranks, [&](Communicator& comm) {
    ReferenceBackend loops;
    test::FakeDevice device;
    test::FakeDeviceBackend backend(loops, device);
    const SystemClock clock;
    {
      DataParallelGroup control(comm, {.logical_shards = shards});
      StagedExchange exchange(comm, device);
      DeviceParallelGroup group(comm, control, backend, exchange, clock, options);
      Tensor gradients({kElements}, DType::kFloat32, Layout::kNhwc, &device);
      Tensor statistics({kStatisticsElements}, DType::kFloat32, Layout::kNhwc, &device);
      group.attach(
          {kEntries, gradients.span<float>(), kStatistics, statistics.span<float>(), &device});
      const auto upload = [&](const std::vector<float>& from, Tensor& to) {
        device.upload(reinterpret_cast<const std::byte*>(from.data()),
                      reinterpret_cast<std::byte*>(to.as<float>()), from.size() * sizeof(float));
      };
      const auto download = [&](Tensor& from) {
        std::vector<float> values(static_cast<std::size_t>(from.shape().elements()));
        device.download(reinterpret_cast<std::byte*>(from.as<float>()),
                        reinterpret_cast<std::byte*>(values.data()), values.size() * sizeof(float));
        return values;
      };
      of_rank[static_cast<std::size_t>(comm.rank())] = run_steps(
          group, active,
          [&](const auto& g, const auto& s) {
            upload(g, gradients);
            upload(s, statistics);
          },
          [&] {
            return Result{download(gradients), download(statistics), {}};
          });
    }
    EXPECT_EQ(device.live_bytes(), 0u);
  });
  for (const Result& result : of_rank) EXPECT_TRUE(result.same_values(of_rank[0]));
  return of_rank[0];
}

TEST(DeviceParallelGroup, SumsHaveTheBitsOfSumsInTheMemoryOfHosts) {
  for (const auto& [ranks, shards] :
       std::vector<std::pair<int, int>>{{1, 1}, {1, 6}, {2, 2}, {2, 8}, {3, 6}, {4, 4}}) {
    SCOPED_TRACE(testing::Message() << ranks << " ranks, " << shards << " shards");
    EXPECT_TRUE(on_devices(ranks, shards, {}).same_values(on_hosts(1, shards, {})));
  }
}

TEST(DeviceParallelGroup, ClosedGatesSendNothingAndChangeNoOtherBit) {
  const std::vector<std::uint8_t> active = {1, 0, 1, 1, 0, 0, 1};
  const Result gated = on_devices(2, 4, active);
  EXPECT_TRUE(gated.same_values(on_hosts(1, 4, active)));
  // Entries 0 and 2, 3 and 6, both statistics with what lies between them. Of two ranks each sends
  // half of it twice.
  constexpr std::int64_t kBytes = 4 * (100 + 1000 + 7 + 1824 + 64);
  EXPECT_THAT(gated.bytes, ElementsAre(kBytes, kBytes));
}

TEST(DeviceParallelGroup, TheSizeOfBucketsDoesNotChangeTheBits) {
  const Result whole = on_devices(3, 3, {}, {.bucket_bytes = 1 << 20});
  EXPECT_TRUE(whole.same_values(on_devices(3, 3, {}, {.bucket_bytes = 1})));
}

TEST(DeviceParallelGroup, WithoutOrderTheNetworkSums) {
  const Result plain = on_devices(2, 2, {}, {.ordered = false});
  EXPECT_TRUE(plain.same_values(on_hosts(2, 2, {})));  // of two, every order is the same
  // All seven entries with what lies between, and the statistics.
  EXPECT_EQ(plain.bytes.front(), 4 * (4096 + 64));
}

/// What DeviceParallelGroup says when rank 0 of 2 steps and `exchange` does what it was told; the
/// other rank takes no part.
std::string complaint(void (*tell)(FakeExchange&)) {
  std::string said = "nothing";
  run_ranks(2, [&](Communicator& comm) {
    if (comm.rank() != 0) return;
    ReferenceBackend loops;
    test::FakeDevice device;
    test::FakeDeviceBackend backend(loops, device);
    const SystemClock clock;
    FakeExchange exchange(&device);
    tell(exchange);
    DataParallelGroup control(comm, {.logical_shards = 2});
    DeviceParallelGroup group(comm, control, backend, exchange, clock,
                              {.bucket_bytes = 1024, .wait = {.limit_s = 0.01}});
    Tensor gradients({kElements}, DType::kFloat32, Layout::kNhwc, &device);
    Tensor statistics({kStatisticsElements}, DType::kFloat32, Layout::kNhwc, &device);
    group.attach(
        {kEntries, gradients.span<float>(), kStatistics, statistics.span<float>(), &device});
    group.begin_step(812, {}, {});
    group.shard_done();
    try {
      group.finish();
    } catch (const CommError& error) {
      said = error.what();
    }
    EXPECT_EQ(exchange.aborts, said == "nothing" ? 0 : 1);
  });
  return said;
}

TEST(DeviceParallelGroup, ALostExchangeIsNamedByRankBucketAndStep) {
  EXPECT_EQ(complaint([](FakeExchange&) {}), "nothing");
  EXPECT_THAT(complaint([](FakeExchange& exchange) { exchange.broken_mark = 2; }),
              testing::MatchesRegex("rank 0 \\(.*\\): NCCL of a test: remote process exited in "
                                    "all-reduce bucket 2 of step 812"));
  EXPECT_THAT(complaint([](FakeExchange& exchange) { exchange.stuck_mark = 1; }),
              testing::MatchesRegex("rank 0 \\(.*\\): NCCL of a test: all-reduce bucket 1 of step "
                                    "812 did not end in .*"));
}

TEST(DeviceParallelGroup, RefusesBuffersThatLieElsewhere) {
  const auto comm = make_self_communicator();
  ReferenceBackend loops;
  test::FakeDevice device;
  test::FakeDeviceBackend backend(loops, device);
  const SystemClock clock;
  StagedExchange exchange(*comm, device);
  DataParallelGroup control(*comm);
  DeviceParallelGroup group(*comm, control, backend, exchange, clock);
  EXPECT_THAT([&] { group.attach({}); },
              ThrowsMessage<ConfigError>(
                  "data-parallel training: the parameters are not on the device fake:0"));
}

TEST(Buckets, HoldEveryActiveEntryOnceAndEndWhenFull) {
  const auto pieces = [](const DeviceBucket& bucket) {
    std::vector<std::pair<std::int64_t, std::int64_t>> all;
    for (const Extent& piece : bucket.pieces) all.emplace_back(piece.offset, piece.elements);
    return all;
  };
  const auto buckets = cut_buckets(kEntries, std::vector<std::uint8_t>{1, 1, 0, 1, 1, 1, 1}, 120);
  ASSERT_EQ(buckets.size(), 4u);
  EXPECT_THAT(pieces(buckets[0]), ElementsAre(std::pair(0, 128), std::pair(1136, 7)));
  EXPECT_EQ(buckets[0].elements, 135);
  EXPECT_THAT(pieces(buckets[1]), ElementsAre(std::pair(1152, 600)));
  EXPECT_THAT(pieces(buckets[2]), ElementsAre(std::pair(1760, 500)));
  EXPECT_THAT(pieces(buckets[3]), ElementsAre(std::pair(2272, 1824)));
  EXPECT_THAT(cut_buckets(kEntries, std::vector<std::uint8_t>(7, 0), 120), IsEmpty());
}

TEST(Slices, CoverAnArrayBetweenCacheLines) {
  std::vector<float> values(100);
  std::size_t next = 0;
  for (int rank = 0; rank < 3; ++rank) {
    const auto slice = slice_of(std::span(values), rank, 3);
    EXPECT_EQ(slice.data(), values.data() + next);
    EXPECT_EQ(next % 16, 0u);
    next += slice.size();
  }
  EXPECT_EQ(next, 100u);
}

}  // namespace
}  // namespace hadal::dist

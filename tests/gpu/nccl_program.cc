// One rank of nccl_test: exchanges made-up gradients with the other ranks as a training does, and
// compares with the sums of the hosts. Where ranks share a GPU, NCCL is told that they are hosts of
// their own (it refuses otherwise), and to talk through sockets with few blocks, so that no rank's
// kernels keep the others' from running.
//
//   nccl_program ordered|plain|staged   the sums; prints "same bits" or "near", or what is wrong
//   nccl_program hang                   rank 1 takes no part in step 2
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/random.h"
#include "core/cuda/open.h"
#include "core/tensor.h"
#include "dist/data_parallel_group.h"
#include "dist/device_parallel_group.h"
#include "dist/nccl/open.h"
#include "dist/staged_exchange.h"
#include "dist/world.h"

namespace hadal {
namespace {

constexpr std::int64_t kElements = 1 << 20;  // a bucket of 1 MB, three of them and a rest
const std::vector<ReplicaBuffers::Extent> kEntries = {
    {0, 300'000}, {300'016, 299'000}, {600'000, 17}, {600'032, 448'000}};
const std::vector<ReplicaBuffers::Extent> kStatistics = {{0, 500}, {512, 500}};
constexpr std::int64_t kStatisticsElements = 1024;

std::vector<float> made(const std::vector<ReplicaBuffers::Extent>& entries, std::int64_t elements,
                        int shard, int step) {
  std::vector<float> values(static_cast<std::size_t>(elements), 0.0F);
  const random::Stream stream{static_cast<std::uint64_t>(step), random::Purpose::kTest,
                              static_cast<std::uint64_t>(shard)};
  for (const auto& entry : entries)
    for (std::int64_t i = entry.offset; i < entry.offset + entry.elements; ++i)
      values[static_cast<std::size_t>(i)] =
          static_cast<float>(random::normal(stream, static_cast<std::uint64_t>(i)) *
                             std::pow(10.0, static_cast<int>(i % 7) - 3));
  return values;
}

void share_a_gpu(int rank) {
  ::setenv("NCCL_HOSTID", fmt::format("rank{}", rank).c_str(), 1);
  for (const auto& [variable, value] :
       std::vector<std::pair<const char*, const char*>>{{"NCCL_NET", "Socket"},
                                                        {"NCCL_SOCKET_IFNAME", "lo"},
                                                        {"NCCL_IB_DISABLE", "1"},
                                                        {"NCCL_P2P_DISABLE", "1"},
                                                        {"NCCL_SHM_DISABLE", "1"},
                                                        {"NCCL_NVLS_ENABLE", "0"},
                                                        {"NCCL_MNNVL_ENABLE", "0"},
                                                        {"NCCL_MAX_CTAS", "2"},
                                                        {"NCCL_PROTO", "Simple"},
                                                        {"NCCL_GRAPH_MIXING_SUPPORT", "0"}})
    ::setenv(variable, value, 1);
}

/// The largest difference, relative to the larger of the two and 1.
double distance(const std::vector<float>& x, const std::vector<float>& y) {
  double largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    largest =
        std::max(largest, std::abs(double{x[i]} - y[i]) /
                              std::max({1.0, std::abs(double{x[i]}), std::abs(double{y[i]})}));
  return largest;
}

int run(const std::string& what) {
  dist::World world({.use_watchdog = false, .watchdog = {}});
  dist::Communicator& comm = world.communicator();
  const int local = dist::local_rank(comm);
  const cuda::Plugin plugin("cuda");
  if (comm.all_reduce(std::int64_t{local}, dist::ReduceOp::kMax) >= plugin.devices())
    share_a_gpu(comm.rank());
  const auto backend = plugin.open(local % plugin.devices());
  Device& device = *backend->device();
  std::unique_ptr<dist::DeviceExchange> exchange;
  if (what == "staged")
    exchange = std::make_unique<dist::StagedExchange>(comm, device);
  else
    exchange = dist::open_nccl(comm, device);

  const int shards = 2 * comm.size();
  const SystemClock clock;
  dist::DataParallelGroup control(comm, {.logical_shards = shards});
  dist::DeviceParallelOptions options{.bucket_bytes = 1 << 20, .ordered = what != "plain"};
  if (what == "hang") options.wait.limit_s = 5;
  dist::DeviceParallelGroup there(comm, control, *backend, *exchange, clock, options);
  Tensor gradients({kElements}, DType::kFloat32, Layout::kNhwc, &device);
  Tensor statistics({kStatisticsElements}, DType::kFloat32, Layout::kNhwc, &device);
  there.attach({kEntries, gradients.span<float>(), kStatistics, statistics.span<float>(), &device});

  dist::DataParallelGroup here(comm, {.logical_shards = shards});
  std::vector<float> on_host(kElements), statistics_on_host(kStatisticsElements);
  here.attach({kEntries, on_host, kStatistics, statistics_on_host});

  double far = 0;
  bool same = true;
  for (int step = 0; step < 4; ++step) {
    here.begin_step(step, {}, {});
    there.begin_step(step, {}, {});
    for (int shard = there.shards().first; shard < there.shards().last; ++shard) {
      on_host = made(kEntries, kElements, shard, 2 * step);
      statistics_on_host = made(kStatistics, kStatisticsElements, shard, 2 * step + 1);
      device.upload(std::as_bytes(std::span(on_host)).data(),
                    reinterpret_cast<std::byte*>(gradients.as<float>()), 4 * kElements);
      device.upload(std::as_bytes(std::span(statistics_on_host)).data(),
                    reinterpret_cast<std::byte*>(statistics.as<float>()), 4 * kStatisticsElements);
      here.shard_done();
      there.shard_done();
    }
    here.finish();
    if (what == "hang" && step == 2 && comm.rank() == 1)
      std::this_thread::sleep_for(std::chrono::seconds(30));
    there.finish();
    std::vector<float> back(kElements), statistics_back(kStatisticsElements);
    device.download(reinterpret_cast<const std::byte*>(gradients.as<float>()),
                    std::as_writable_bytes(std::span(back)).data(), 4 * kElements);
    device.download(reinterpret_cast<const std::byte*>(statistics.as<float>()),
                    std::as_writable_bytes(std::span(statistics_back)).data(),
                    4 * kStatisticsElements);
    same = same && back == on_host && statistics_back == statistics_on_host;
    far = std::max({far, distance(back, on_host), distance(statistics_back, statistics_on_host)});
  }
  const bool all_same = comm.all_reduce(std::int64_t{same}, dist::ReduceOp::kMin) != 0;
  const double farthest = comm.all_reduce(far, dist::ReduceOp::kMax);
  if (comm.rank() == 0)
    std::cout << exchange->name() << ", " << comm.size() << " ranks: "
              << (all_same          ? "same bits"
                  : farthest < 1e-5 ? "near"  // sums of a few float32 in another order
                                    : fmt::format("differ by {}", farthest))
              << std::endl;
  world.finish();
  return 0;
}

}  // namespace
}  // namespace hadal

int main(int argc, char** argv) try {
  return hadal::run(argc > 1 ? argv[1] : "ordered");
} catch (const hadal::Error& error) {
  std::cerr << "hadal: " << error.what() << std::endl;
  return static_cast<int>(error.exit_code());
}

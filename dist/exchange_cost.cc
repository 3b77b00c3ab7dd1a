#include "dist/exchange_cost.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "dist/communicator.h"
#include "dist/data_parallel_group.h"

namespace hadal::dist {
namespace {

class Done final : public Request {
 public:
  bool test() override { return true; }
};

/// Rank 0 of a group whose other ranks do not exist: what it sends is counted, what it receives is
/// zero.
class CountingCommunicator final : public Communicator {
 public:
  explicit CountingCommunicator(int ranks) : ranks_(ranks) {}

  const ExchangeCost& sent() const { return sent_; }

  int rank() const override { return 0; }
  int size() const override { return ranks_; }
  const std::string& host() const override { return host_; }
  std::unique_ptr<Request> start_send(std::span<const std::byte> bytes, int, int) override {
    sent_.bytes += static_cast<std::int64_t>(bytes.size());
    ++sent_.messages;
    return std::make_unique<Done>();
  }
  std::unique_ptr<Request> start_receive(std::span<std::byte> bytes, int, int) override {
    std::fill(bytes.begin(), bytes.end(), std::byte{0});
    return std::make_unique<Done>();
  }
  void relax() override {}

 private:
  void do_barrier() override {}
  void do_broadcast(std::span<std::byte>, int) override {}
  std::vector<std::vector<std::byte>> do_all_gather(std::span<const std::byte> bytes) override {
    return std::vector<std::vector<std::byte>>(static_cast<std::size_t>(ranks_),
                                               {bytes.begin(), bytes.end()});
  }

  int ranks_;
  std::string host_ = "nowhere";
  ExchangeCost sent_;
};

constexpr std::size_t kMetrics = 4;  // loss, errors, samples, wish to stop

}  // namespace

ExchangeCost exchange_cost(const Parameters& parameters, int ranks, int logical_shards) {
  CountingCommunicator comm(ranks);
  DataParallelGroup group(comm, {.logical_shards = logical_shards});
  group.attach(replica_buffers(parameters));
  group.begin_step(0, {}, {});
  for (int shard = 0; shard < group.shards().size(); ++shard) group.shard_done();
  group.finish();
  std::vector<double> totals(kMetrics);
  group.sum_over_shards(
      std::vector<double>(kMetrics * static_cast<std::size_t>(group.shards().size())), totals);
  return comm.sent();
}

}  // namespace hadal::dist

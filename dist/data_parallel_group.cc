#include "dist/data_parallel_group.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <string>

#include <fmt/format.h>

#include "core/base/error.h"
#include "dist/shard_tree.h"

namespace hadal::dist {

DataParallelGroup::DataParallelGroup(Communicator& comm, const DataParallelOptions& options)
    : comm_(comm),
      options_(options),
      logical_shards_(options.logical_shards == 0 ? comm.size() : options.logical_shards),
      all_reduce_(comm, options.all_reduce) {
  require_shardable(logical_shards_, comm.size());
}

ShardRange DataParallelGroup::shards() const {
  return shards_of(comm_.rank(), comm_.size(), logical_shards_);
}

void DataParallelGroup::attach(const ReplicaBuffers& buffers) {
  HADAL_CHECK(!buffers.device);
  buffers_ = buffers;
  const int shards = this->shards().size();
  gradients_.emplace(all_reduce_, buffers.entries, buffers.gradients, shards, options_.gradients);
  // Small as a whole, and complete only with the shard: one message.
  GradientExchangeOptions one_bucket = options_.gradients;
  one_bucket.bucket_bytes = std::numeric_limits<std::int64_t>::max();
  statistics_.emplace(all_reduce_, buffers.statistics_entries, buffers.statistics, shards,
                      one_bucket);
}

void DataParallelGroup::begin_step(std::int64_t step, std::span<const std::uint8_t> active,
                                   std::span<const std::uint8_t> active_statistics) {
  HADAL_CHECK(gradients_.has_value());
  if (Heartbeat* heartbeat = comm_.heartbeat()) heartbeat->set_step(step);
  gradients_->begin_step(active);
  statistics_->begin_step(active_statistics);
  active_statistics_.assign(active_statistics.begin(), active_statistics.end());
  bytes_before_step_ = all_reduce_.bytes_sent();
}

void DataParallelGroup::ready(int entry) { gradients_->ready(entry); }

void DataParallelGroup::poll() {
  all_reduce_.poll();
  if (Heartbeat* heartbeat = comm_.heartbeat()) heartbeat->beat();
}

void DataParallelGroup::shard_done() {
  gradients_->shard_done();
  statistics_->shard_done();
}

void DataParallelGroup::finish() {
  Heartbeat::Waiting waiting(comm_.heartbeat(), "all-reduce bucket", 0);
  gradients_->finish(waiting, "all-reduce bucket");
  statistics_->finish(waiting, "all-reduce statistics");
  average_statistics();
  step_bytes_sent_ = all_reduce_.bytes_sent() - bytes_before_step_;
}

void DataParallelGroup::average_statistics() {
  const auto shards = static_cast<float>(logical_shards_);
  for (std::size_t i = 0; i < buffers_.statistics_entries.size(); ++i) {
    if (!active_statistics_.empty() && active_statistics_[i] == 0) continue;
    const auto& [offset, elements] = buffers_.statistics_entries[i];
    for (float& value : buffers_.statistics.subspan(offset, elements)) value /= shards;
  }
}

void DataParallelGroup::sum_over_shards(std::span<const double> rows, std::span<double> totals) {
  const std::size_t columns = totals.size();
  const auto own = static_cast<std::size_t>(shards().size());
  HADAL_CHECK(rows.size() == own * columns);
  Heartbeat::Waiting waiting(comm_.heartbeat(), "sum of metrics");
  std::vector<double> sums(rows.begin(), rows.end());
  std::vector<double*> leaves;
  for (std::size_t shard = 0; shard < own; ++shard) leaves.push_back(sums.data() + shard * columns);
  tree_sum<double>(leaves, static_cast<std::int64_t>(columns));
  std::copy_n(sums.begin(), columns, totals.begin());
  all_reduce_.wait(all_reduce_.start(totals));
}

bool DataParallelGroup::any(bool flag) {
  return comm_.all_reduce(std::int64_t{flag}, ReduceOp::kMax) != 0;
}

double DataParallelGroup::max(double value) { return comm_.all_reduce(value, ReduceOp::kMax); }

std::vector<double> DataParallelGroup::gather(std::span<const double> values) {
  std::vector<double> all;
  for (const auto& part : comm_.all_gather(std::as_bytes(values))) {
    HADAL_CHECK(part.size() == values.size_bytes());
    all.resize(all.size() + values.size());
    std::memcpy(all.data() + all.size() - values.size(), part.data(), part.size());
  }
  return all;
}

std::vector<std::string> DataParallelGroup::hosts() { return comm_.all_gather(comm_.host()); }

void DataParallelGroup::barrier() { comm_.barrier(); }

void DataParallelGroup::broadcast(std::span<std::byte> bytes) { comm_.broadcast(bytes, 0); }

// Where no value has a majority, nobody can say which rank is wrong: then all are told.
void DataParallelGroup::require_same(std::uint64_t hash, std::string_view what) {
  const auto parts = comm_.all_gather(std::as_bytes(std::span(&hash, 1)));
  std::vector<std::uint64_t> hashes(parts.size());
  std::map<std::uint64_t, std::size_t> count;
  for (std::size_t rank = 0; rank < parts.size(); ++rank) {
    std::memcpy(&hashes[rank], parts[rank].data(), sizeof(std::uint64_t));
    ++count[hashes[rank]];
  }
  if (count.size() == 1) return;
  const auto most = std::max_element(
      count.begin(), count.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  const bool majority = 2 * most->second > hashes.size();
  const std::vector<std::string> names = hosts();
  std::string differing;
  for (std::size_t rank = 0; rank < hashes.size(); ++rank)
    if (!majority || hashes[rank] != most->first)
      differing += fmt::format("{}{} ({}, {:016x})", differing.empty() ? "" : ", ", rank,
                               names[rank], hashes[rank]);
  const std::string message =
      majority ? fmt::format(
                     "{} differ between ranks: not the same as on most ranks ({:016x}) on "
                     "rank {}",
                     what, most->first, differing)
               : fmt::format("{} differ between ranks, and none has a majority: rank {}", what,
                             differing);
  throw CommError(message, ExitCode::kReplicasDiffer);
}

void DataParallelGroup::enter(Phase phase, std::string_view operation) {
  if (Heartbeat* heartbeat = comm_.heartbeat()) heartbeat->enter(phase, operation);
}

}  // namespace hadal::dist

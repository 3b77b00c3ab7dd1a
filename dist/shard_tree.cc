#include "dist/shard_tree.h"

#include <bit>
#include <string>

#include <fmt/format.h>

#include "core/base/error.h"

namespace hadal::dist {
namespace {

bool allowed(int logical_shards, int ranks) {
  if (ranks < 1 || logical_shards % ranks != 0) return false;
  return ranks == 1 || std::has_single_bit(static_cast<unsigned>(logical_shards / ranks));
}

std::string list(const std::vector<int>& numbers) {
  std::string text;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i > 0) text += i + 1 == numbers.size() ? " or " : ", ";
    text += std::to_string(numbers[i]);
  }
  return text;
}

}  // namespace

std::vector<int> allowed_rank_counts(int logical_shards) {
  std::vector<int> counts;
  for (int ranks = 1; ranks <= logical_shards; ++ranks)
    if (allowed(logical_shards, ranks)) counts.push_back(ranks);
  return counts;
}

void require_shardable(int logical_shards, int ranks) {
  if (logical_shards < 1)
    throw ConfigError(fmt::format("logical_shards is {}; wanted at least 1", logical_shards));
  if (allowed(logical_shards, ranks)) return;
  throw ConfigError(fmt::format(
      "logical_shards {} cannot be spread over {} ranks (each must hold 1, 2, 4, 8, ... shards); "
      "use {} ranks, or another logical_shards",
      logical_shards, ranks, list(allowed_rank_counts(logical_shards))));
}

ShardRange shards_of(int rank, int ranks, int logical_shards) {
  const int each = logical_shards / ranks;
  return {rank * each, (rank + 1) * each};
}

ShardAccumulator::ShardAccumulator(std::int64_t elements, int shards) : shards_(shards) {
  HADAL_CHECK(shards >= 1 && elements >= 0);
  const int levels = std::bit_width(static_cast<unsigned>(shards - 1));
  for (int level = 0; level < levels; ++level)
    partial_.emplace_back(static_cast<std::size_t>(elements) * sizeof(float));
}

// Adding shard number s to the counter merges the trailing ones of s, lowest level first, and
// leaves the result in the level above. The last shard merges all that is set: a tree whose right
// edge is cut short takes its stragglers in just this order.
void ShardAccumulator::add(float* buffer, std::int64_t offset, std::int64_t elements) {
  constexpr std::int64_t kBlock = 4096;
  const auto shard = static_cast<unsigned>(shard_);
  const int store_level = on_last_shard() ? -1 : std::countr_one(shard);
  for (std::int64_t begin = offset; begin < offset + elements; begin += kBlock) {
    const std::int64_t count = std::min(kBlock, offset + elements - begin);
    float* const sum = buffer + begin;
    for (int level = 0; level < static_cast<int>(partial_.size()); ++level) {
      if (level == store_level) break;
      if ((shard >> level & 1) == 0) continue;
      const float* const part = reinterpret_cast<float*>(partial_[level].data()) + begin;
      for (std::int64_t j = 0; j < count; ++j) sum[j] = part[j] + sum[j];
    }
    if (store_level >= 0)
      std::copy_n(sum, count, reinterpret_cast<float*>(partial_[store_level].data()) + begin);
  }
}

void ShardAccumulator::next_shard() {
  HADAL_CHECK(!on_last_shard());
  ++shard_;
}

}  // namespace hadal::dist

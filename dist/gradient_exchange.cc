#include "dist/gradient_exchange.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "core/base/error.h"

namespace hadal::dist {

GradientExchange::GradientExchange(OrderedAllReduce& all_reduce, std::vector<Extent> entries,
                                   std::span<float> buffer, int shards,
                                   const GradientExchangeOptions& options)
    : all_reduce_(all_reduce),
      entries_(std::move(entries)),
      buffer_(buffer),
      options_(options),
      accumulator_(static_cast<std::int64_t>(buffer.size()), shards) {
  std::int64_t end = 0;
  for (const Extent& entry : entries_) {
    HADAL_CHECK(entry.offset >= end && entry.elements >= 0);
    end = entry.offset + entry.elements;
  }
  HADAL_CHECK(end <= static_cast<std::int64_t>(buffer_.size()));
}

void GradientExchange::begin_step(std::span<const std::uint8_t> active) {
  HADAL_CHECK(started_.empty() && open_.pieces.empty());
  if (!active.empty() && active.size() != entries_.size())
    throw ConfigError(fmt::format("begin_step: {} activity flags for {} entries", active.size(),
                                  entries_.size()));
  active_.assign(active.begin(), active.end());
  accumulator_.begin_step();
  next_entry_ = 0;
}

void GradientExchange::ready(int entry) {
  HADAL_CHECK(entry < static_cast<int>(entries_.size()));
  for (; next_entry_ <= entry; ++next_entry_) {
    if (!active(next_entry_)) continue;
    const Extent& extent = entries_[next_entry_];
    accumulator_.add(buffer_.data(), extent.offset, extent.elements);
    if (accumulator_.on_last_shard()) join_bucket(next_entry_);
  }
}

void GradientExchange::shard_done() {
  ready(static_cast<int>(entries_.size()) - 1);
  if (accumulator_.on_last_shard()) {
    start_bucket();
  } else {
    accumulator_.next_shard();
    next_entry_ = 0;
  }
}

void GradientExchange::join_bucket(int entry) {
  const Extent& extent = entries_[entry];
  if (extent.elements == 0) return;
  if (!open_.pieces.empty() && joined_last_ == entry - 1) {
    // With the padding between the two, which is zero.
    Extent& last = open_.pieces.back();
    open_.elements -= last.elements;
    last.elements = extent.offset + extent.elements - last.offset;
    open_.elements += last.elements;
  } else {
    open_.pieces.push_back(extent);
    open_.elements += extent.elements;
  }
  joined_last_ = entry;
  if (open_.elements * static_cast<std::int64_t>(sizeof(float)) >= options_.bucket_bytes)
    start_bucket();
}

void GradientExchange::start_bucket() {
  Bucket bucket = std::exchange(open_, {});
  if (bucket.pieces.empty() || all_reduce_.communicator().size() == 1) return;
  if (bucket.pieces.size() == 1) {
    const Extent& piece = bucket.pieces.front();
    bucket.tickets = start(buffer_.subspan(piece.offset, piece.elements));
  } else {
    bucket.packed = AlignedBuffer(static_cast<std::size_t>(bucket.elements) * sizeof(float));
    auto* const packed = reinterpret_cast<float*>(bucket.packed.data());
    float* to = packed;
    for (const Extent& piece : bucket.pieces)
      to = std::copy_n(buffer_.data() + piece.offset, piece.elements, to);
    bucket.tickets = start({packed, static_cast<std::size_t>(bucket.elements)});
  }
  started_.push_back(std::move(bucket));
}

std::vector<OrderedAllReduce::Ticket> GradientExchange::start(std::span<float> values) {
  const auto longest = static_cast<std::size_t>(options_.longest_message_bytes) / sizeof(float);
  std::vector<OrderedAllReduce::Ticket> tickets;
  while (!values.empty()) {
    const std::size_t count = std::min(values.size(), longest);
    tickets.push_back(all_reduce_.start(values.first(count)));
    values = values.subspan(count);
  }
  return tickets;
}

void GradientExchange::finish(Heartbeat::Waiting& waiting, std::string_view name) {
  HADAL_CHECK(accumulator_.on_last_shard() && open_.pieces.empty());
  for (std::size_t i = 0; i < started_.size(); ++i) {
    const Bucket& bucket = started_[i];
    waiting.now(name, static_cast<std::int64_t>(i));
    for (const auto ticket : bucket.tickets) all_reduce_.wait(ticket);
    if (bucket.pieces.size() == 1) continue;
    const auto* from = reinterpret_cast<const float*>(bucket.packed.data());
    for (const Extent& piece : bucket.pieces) {
      std::copy_n(from, piece.elements, buffer_.data() + piece.offset);
      from += piece.elements;
    }
  }
  started_.clear();
}

}  // namespace hadal::dist

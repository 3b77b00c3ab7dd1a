#include "dist/device_parallel_group.h"

#include <bit>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "core/base/error.h"

namespace hadal::dist {

std::vector<DeviceBucket> cut_buckets(const std::vector<ReplicaBuffers::Extent>& entries,
                                      std::span<const std::uint8_t> active,
                                      std::int64_t bucket_elements) {
  std::vector<DeviceBucket> buckets;
  DeviceBucket open;
  const auto close = [&] {
    for (const auto& piece : open.pieces) open.elements += piece.elements;
    if (open.elements > 0) buckets.push_back(std::exchange(open, {}));
  };
  std::size_t last = entries.size();  // the entry that joined the open bucket last
  std::int64_t held = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto& entry = entries[i];
    if ((!active.empty() && active[i] == 0) || entry.elements == 0) continue;
    if (!open.pieces.empty() && last + 1 == i) {
      auto& piece = open.pieces.back();
      piece.elements = entry.offset + entry.elements - piece.offset;
    } else {
      open.pieces.push_back(entry);
    }
    last = i;
    held += entry.elements;
    if (held < bucket_elements) continue;
    close();
    held = 0;
  }
  close();
  return buckets;
}

// Sums over the rank's own shards as ShardAccumulator does it, level k holding the sum of 2^k
// shards, and over ranks in buckets that are packed into memory of the exchange.
struct DeviceParallelGroup::Buffer {
  Buffer(Backend& backend_, DeviceExchange& exchange_, std::vector<ReplicaBuffers::Extent> entries_,
         std::span<float> values_, int shards_)
      : backend(backend_),
        exchange(exchange_),
        entries(std::move(entries_)),
        values(values_),
        shards(shards_) {
    const int levels = std::bit_width(static_cast<unsigned>(shards - 1));
    for (int level = 0; level < levels; ++level)
      partial.push_back(reinterpret_cast<float*>(device().allocate(values.size_bytes())));
  }
  ~Buffer() {
    for (float* const part : partial) device().release(reinterpret_cast<std::byte*>(part));
    if (packed) exchange.release(packed);
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  Device& device() const { return *backend.device(); }
  void copy(const float* from, float* to, std::int64_t elements) const {
    device().copy(reinterpret_cast<const std::byte*>(from), reinterpret_cast<std::byte*>(to),
                  static_cast<std::size_t>(elements) * sizeof(float));
  }

  void begin_step(std::span<const std::uint8_t> flags) {
    if (!flags.empty() && flags.size() != entries.size())
      throw ConfigError(fmt::format("begin_step: {} activity flags for {} entries", flags.size(),
                                    entries.size()));
    active.assign(flags.begin(), flags.end());
    marks.clear();
  }

  void fold(int shard) {
    const bool is_last = shard == shards - 1;
    const auto number = static_cast<unsigned>(shard);
    const int store_level = is_last ? static_cast<int>(partial.size()) : std::countr_one(number);
    for (const DeviceBucket& all :
         cut_buckets(entries, active, std::numeric_limits<std::int64_t>::max()))
      for (const auto& piece : all.pieces) {
        const auto view = [&](float* begin) {
          return device_view({begin + piece.offset, static_cast<std::size_t>(piece.elements)},
                             &device());
        };
        for (int level = 0; level < store_level; ++level)
          if ((number >> level & 1) != 0) backend.add_to(view(partial[level]), view(values.data()));
        if (!is_last)
          copy(values.data() + piece.offset, partial[store_level] + piece.offset, piece.elements);
      }
  }

  /// Room for all buckets at once: one may travel while the next is packed.
  float* pack_room(std::int64_t elements) {
    if (elements > packed_elements) {
      if (packed) exchange.release(packed);
      packed = nullptr;
      packed = exchange.allocate(static_cast<std::size_t>(elements) * sizeof(float));
      packed_elements = elements;
    }
    return reinterpret_cast<float*>(packed);
  }

  Backend& backend;
  DeviceExchange& exchange;
  const std::vector<ReplicaBuffers::Extent> entries;
  const std::span<float> values;
  const int shards;
  std::vector<float*> partial;
  std::byte* packed = nullptr;
  std::int64_t packed_elements = 0;
  std::vector<std::uint8_t> active;
  std::vector<std::int64_t> marks;  // of the exchange, by bucket
};

DeviceParallelGroup::DeviceParallelGroup(Communicator& comm, DataParallelGroup& control,
                                         Backend& backend, DeviceExchange& exchange,
                                         const Clock& clock, const DeviceParallelOptions& options)
    : ReplicaGroupAround(control),
      comm_(comm),
      backend_(backend),
      exchange_(exchange),
      clock_(clock),
      options_(options),
      sum_(exchange, backend, comm.rank(), comm.size()) {
  options_.wait.who = fmt::format("rank {} ({})", comm.rank(), comm.host());
  inner_.attach({});
}

DeviceParallelGroup::~DeviceParallelGroup() = default;

void DeviceParallelGroup::attach(const ReplicaBuffers& buffers) {
  if (buffers.device != backend_.device())
    throw ConfigError("data-parallel training: the parameters are not on the device " +
                      std::string(backend_.device()->name()));
  const int shards = this->shards().size();
  gradients_ =
      std::make_unique<Buffer>(backend_, exchange_, buffers.entries, buffers.gradients, shards);
  statistics_ = std::make_unique<Buffer>(backend_, exchange_, buffers.statistics_entries,
                                         buffers.statistics, shards);
}

void DeviceParallelGroup::begin_step(std::int64_t step, std::span<const std::uint8_t> active,
                                     std::span<const std::uint8_t> active_statistics) {
  HADAL_CHECK(gradients_ && statistics_);
  inner_.begin_step(step, {}, {});
  gradients_->begin_step(active);
  statistics_->begin_step(active_statistics);
  step_ = step;
  shard_ = 0;
  bytes_before_step_ = sum_.bytes_sent() + plain_bytes_sent_;
}

void DeviceParallelGroup::shard_done() {
  HADAL_CHECK(shard_ < shards().size());
  gradients_->fold(shard_);
  statistics_->fold(shard_);
  ++shard_;
}

std::string DeviceParallelGroup::which(std::string_view name, std::size_t bucket) const {
  return fmt::format("{} {} of step {}", name, bucket, step_);
}

void DeviceParallelGroup::add_up(std::span<float> values) {
  if (options_.ordered) return sum_.add_up(values);
  exchange_.all_reduce(values);
  plain_bytes_sent_ += 2 * static_cast<std::int64_t>(values.size_bytes()) * (size() - 1) / size();
}

void DeviceParallelGroup::start(Buffer& buffer, std::int64_t bucket_bytes, std::string_view name) {
  const auto buckets = cut_buckets(buffer.entries, buffer.active,
                                   bucket_bytes / static_cast<std::int64_t>(sizeof(float)));
  std::int64_t elements = 0;
  for (const DeviceBucket& bucket : buckets) elements += bucket.elements;
  float* packed = elements == 0 ? nullptr : buffer.pack_room(elements);
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    float* to = packed;
    for (const auto& piece : buckets[i].pieces) {
      buffer.copy(buffer.values.data() + piece.offset, to, piece.elements);
      to += piece.elements;
    }
    call_watched(
        exchange_, which(name, i),
        [&] {
          add_up({packed, static_cast<std::size_t>(buckets[i].elements)});
        },
        options_.wait);
    for (const auto& piece : buckets[i].pieces) {
      buffer.copy(packed, buffer.values.data() + piece.offset, piece.elements);
      packed += piece.elements;
    }
    buffer.marks.push_back(exchange_.mark());
  }
}

void DeviceParallelGroup::wait(const Buffer& buffer, Heartbeat::Waiting& waiting,
                               std::string_view name) {
  for (std::size_t i = 0; i < buffer.marks.size(); ++i) {
    waiting.now(name, static_cast<std::int64_t>(i));
    wait_watched(
        exchange_, buffer.marks[i], which(name, i), clock_, [&] { comm_.relax(); }, options_.wait);
  }
}

void DeviceParallelGroup::finish() {
  HADAL_CHECK(shard_ == shards().size());
  if (size() > 1) {
    constexpr std::string_view kGradients = "all-reduce bucket",
                               kStatistics = "all-reduce statistics";
    Heartbeat::Waiting waiting(comm_.heartbeat(), kGradients, 0);
    start(*gradients_, options_.bucket_bytes, kGradients);
    start(*statistics_, std::numeric_limits<std::int64_t>::max(), kStatistics);
    wait(*gradients_, waiting, kGradients);
    wait(*statistics_, waiting, kStatistics);
  }
  if (logical_shards() > 1)
    for (const DeviceBucket& all : cut_buckets(statistics_->entries, statistics_->active,
                                               std::numeric_limits<std::int64_t>::max()))
      for (const auto& piece : all.pieces)
        backend_.divide(device_view(statistics_->values.subspan(piece.offset, piece.elements),
                                    backend_.device()),
                        static_cast<float>(logical_shards()));
  step_bytes_sent_ = sum_.bytes_sent() + plain_bytes_sent_ - bytes_before_step_;
}

}  // namespace hadal::dist

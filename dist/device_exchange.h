// How the devices of ranks exchange floats that lie in their own memory: through NCCL, or through
// the memory of the hosts where NCCL cannot serve.
//
// All ranks make the same calls in the same order, with sizes that fit. A call is queued behind the
// work that the device was asked for, returns when the host may go on, and what it brings is there
// for work that is asked for later.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace hadal::dist {

class DeviceExchange {
 public:
  virtual ~DeviceExchange() = default;

  /// "NCCL 2.28.9", "host memory".
  virtual std::string_view name() const = 0;

  /// Device memory that the network reads and writes most directly. Throws DeviceError.
  virtual std::byte* allocate(std::size_t bytes) = 0;
  /// After all that was asked for so far.
  virtual void release(std::byte* memory) = 0;

  /// outgoing[r] goes to rank r, incoming[r] comes from it; one of each per rank, a rank's own are
  /// passed over. Nothing that is sent may be overwritten by what comes in.
  virtual void exchange(std::span<const std::span<const float>> outgoing,
                        std::span<const std::span<float>> incoming) = 0;
  /// values = sum over ranks, in place, in whatever order is quickest; the same bits on all ranks.
  virtual void all_reduce(std::span<float> values) = 0;

  /// A name for all that has been asked for so far.
  virtual std::int64_t mark() = 0;
  /// Whether it is done. Throws CommError, naming the reason, when it cannot be done any more.
  virtual bool done(std::int64_t mark) = 0;
  /// Gives up all that is under way, so that the device is free again; no further calls.
  virtual void abort() noexcept = 0;
};

}  // namespace hadal::dist

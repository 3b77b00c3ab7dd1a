// Devices whose ranks can talk only as hosts: what is sent comes down to host memory, travels by
// the communicator, and goes up again. Every call waits until it is done.
#pragma once

#include "core/device.h"
#include "core/tensor.h"
#include "dist/communicator.h"
#include "dist/device_exchange.h"
#include "dist/ordered_all_reduce.h"

namespace hadal::dist {

class StagedExchange final : public DeviceExchange {
 public:
  /// Both must outlive it. With a group of one nothing ever moves.
  StagedExchange(Communicator& comm, Device& device)
      : comm_(comm), device_(device), all_reduce_(comm) {}

  std::string_view name() const override { return "host memory"; }
  std::byte* allocate(std::size_t bytes) override { return device_.allocate(bytes); }
  void release(std::byte* memory) override { device_.release(memory); }
  void exchange(std::span<const std::span<const float>> outgoing,
                std::span<const std::span<float>> incoming) override;
  void all_reduce(std::span<float> values) override;
  std::int64_t mark() override { return 0; }
  bool done(std::int64_t /*mark*/) override { return true; }
  void abort() noexcept override {}

 private:
  std::span<float> host(std::size_t elements);

  Communicator& comm_;
  Device& device_;
  OrderedAllReduce all_reduce_;
  AlignedBuffer host_;
};

}  // namespace hadal::dist

// DeviceExchange by NCCL, in the stream of the rank's device. Every call into NCCL of the project
// is in nccl_exchange.cc and plugin.cc.
//
// The communicator does not block: a call whose peers do not come returns all the same, so that the
// host can look at the clock and at ncclCommGetAsyncError() instead of spinning inside.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "dist/device_exchange.h"
#include "dist/nccl/plugin.h"

struct ncclComm;

namespace hadal::dist {

class NcclExchange final : public DeviceExchange {
 public:
  /// Waits for the other ranks. Throws CommError, DeviceError.
  explicit NcclExchange(const NcclStart& start);
  ~NcclExchange() override;
  NcclExchange(const NcclExchange&) = delete;
  NcclExchange& operator=(const NcclExchange&) = delete;

  std::string_view name() const override { return name_; }
  std::byte* allocate(std::size_t bytes) override;
  void release(std::byte* memory) override;
  void exchange(std::span<const std::span<const float>> outgoing,
                std::span<const std::span<float>> incoming) override;
  void all_reduce(std::span<float> values) override;
  std::int64_t mark() override;
  bool done(std::int64_t mark) override;
  void abort() noexcept override;

 private:
  void destroy_events() noexcept;
  void check(int status, const char* call);
  /// Waits while NCCL still works on a call; throws what came of it.
  void settle(const char* call);

  // As many marks as may be waited for apart from each other; older ones count as done when the one
  // that took their event is, which came later.
  static constexpr std::size_t kEvents = 64;

  std::string name_;
  int rank_, ranks_;
  void* stream_;
  double limit_s_;
  ncclComm* comm_ = nullptr;
  std::array<void*, kEvents> events_{};
  std::int64_t next_mark_ = 0;
};

}  // namespace hadal::dist

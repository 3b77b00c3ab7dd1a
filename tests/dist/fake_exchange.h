// An exchange of one rank with nobody, whose marks are done, or fail, as a test says.
#pragma once

#include "core/base/error.h"
#include "core/device.h"
#include "dist/device_exchange.h"

namespace hadal::dist {

class FakeExchange final : public DeviceExchange {
 public:
  explicit FakeExchange(Device* device = nullptr) : device_(device) {}

  std::string_view name() const override { return "NCCL of a test"; }
  std::byte* allocate(std::size_t bytes) override { return device_->allocate(bytes); }
  void release(std::byte* memory) override { device_->release(memory); }
  void exchange(std::span<const std::span<const float>>,
                std::span<const std::span<float>>) override {
    ++exchanges;
  }
  void all_reduce(std::span<float>) override { ++all_reduces; }
  std::int64_t mark() override { return marks++; }
  bool done(std::int64_t mark) override {
    ++polls;
    if (mark == broken_mark) throw CommError("remote process exited", ExitCode::kPeerLost);
    return mark != stuck_mark && polls > polls_before_done;
  }
  void abort() noexcept override { ++aborts; }

  int exchanges = 0, all_reduces = 0, aborts = 0, polls = 0, polls_before_done = 0;
  std::int64_t marks = 0, broken_mark = -1, stuck_mark = -1;

 private:
  Device* device_;
};

}  // namespace hadal::dist

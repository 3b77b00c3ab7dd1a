// Sums over the ranks of what lies on their devices, element by element over the fixed tree of
// shard_tree.h on rank index: the same bits as OrderedAllReduce gives in the memory of the hosts.
//
// Rank j receives slice j of everybody, adds in tree order by the device's own kernels, and sends
// the result to all: 2 (R-1)/R of the array per rank, what a ring sends, in two exchanges.
#pragma once

#include <cstdint>
#include <span>

#include "core/backend.h"
#include "dist/device_exchange.h"

namespace hadal::dist {

class DeviceSum {
 public:
  /// `backend` has a device; both must outlive the sum.
  DeviceSum(DeviceExchange& exchange, Backend& backend, int rank, int ranks);
  ~DeviceSum();
  DeviceSum(const DeviceSum&) = delete;
  DeviceSum& operator=(const DeviceSum&) = delete;

  /// values = sum over ranks, in place; all ranks with the same length. Does not wait.
  void add_up(std::span<float> values);
  /// Bytes that this rank has sent.
  std::int64_t bytes_sent() const { return bytes_sent_; }

 private:
  float* scratch(std::int64_t elements);

  DeviceExchange& exchange_;
  Backend& backend_;
  int rank_, ranks_;
  std::byte* scratch_ = nullptr;
  std::int64_t scratch_elements_ = 0;
  std::int64_t bytes_sent_ = 0;
};

/// `values` as a tensor of one dimension.
TensorView device_view(std::span<float> values, Device* device);

}  // namespace hadal::dist

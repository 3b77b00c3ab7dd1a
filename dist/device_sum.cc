#include "dist/device_sum.h"

#include <vector>

#include "core/base/error.h"
#include "dist/slices.h"

namespace hadal::dist {

TensorView device_view(std::span<float> values, Device* device) {
  return {values.data(),
          {static_cast<std::int64_t>(values.size())},
          DType::kFloat32,
          Layout::kNhwc,
          device};
}

DeviceSum::DeviceSum(DeviceExchange& exchange, Backend& backend, int rank, int ranks)
    : exchange_(exchange), backend_(backend), rank_(rank), ranks_(ranks) {
  HADAL_CHECK(backend.device());
}

DeviceSum::~DeviceSum() {
  if (scratch_) exchange_.release(scratch_);
}

void DeviceSum::add_up(std::span<float> values) {
  if (ranks_ == 1 || values.empty()) return;
  const std::span<float> own = slice_of(values, rank_, ranks_);
  const auto each = static_cast<std::int64_t>(own.size());
  float* next = scratch(each * (ranks_ - 1));
  std::vector<std::span<const float>> outgoing(static_cast<std::size_t>(ranks_));
  std::vector<std::span<float>> incoming(outgoing.size()), leaves(outgoing.size());
  for (int rank = 0; rank < ranks_; ++rank) {
    leaves[rank] = own;
    if (rank == rank_) continue;
    outgoing[rank] = slice_of(values, rank, ranks_);
    leaves[rank] = incoming[rank] = {next, own.size()};
    next += each;
    bytes_sent_ += static_cast<std::int64_t>(outgoing[rank].size_bytes() + own.size_bytes());
  }
  exchange_.exchange(outgoing, incoming);

  Device* const device = backend_.device();
  if (!own.empty()) {
    const auto count = static_cast<std::size_t>(ranks_);
    for (std::size_t stride = 1; stride < count; stride *= 2)
      for (std::size_t i = 0; i + stride < count; i += 2 * stride)
        backend_.add_to(device_view(leaves[i + stride], device), device_view(leaves[i], device));
    if (rank_ != 0)
      device->copy(std::as_bytes(leaves[0]).data(), std::as_writable_bytes(own).data(),
                   own.size_bytes());
  }

  for (int rank = 0; rank < ranks_; ++rank) {
    if (rank == rank_) continue;
    outgoing[rank] = own;
    incoming[rank] = slice_of(values, rank, ranks_);
  }
  exchange_.exchange(outgoing, incoming);
}

float* DeviceSum::scratch(std::int64_t elements) {
  if (elements > scratch_elements_) {
    if (scratch_) exchange_.release(scratch_);
    scratch_ = nullptr;
    scratch_ = exchange_.allocate(static_cast<std::size_t>(elements) * sizeof(float));
    scratch_elements_ = elements;
  }
  return reinterpret_cast<float*>(scratch_);
}

}  // namespace hadal::dist

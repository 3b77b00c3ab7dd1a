// Cuts a kernel's workspace into pieces: sizes are booked when the kernel is prepared, addresses
// are taken when it runs.
#pragma once

#include <cstddef>

namespace hadal::cpu {

class WorkspacePlan {
 public:
  /// Books `bytes` and returns their offset, aligned to 64.
  std::size_t book(std::size_t bytes) {
    const std::size_t offset = bytes_;
    bytes_ += (bytes + 63) / 64 * 64;
    return offset;
  }
  std::size_t bytes() const { return bytes_; }

 private:
  std::size_t bytes_ = 0;
};

}  // namespace hadal::cpu

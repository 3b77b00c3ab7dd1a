// Memory that the host cannot read: that of an accelerator. Whoever holds a TensorView whose
// `device` is set may pass it on, slice it, or hand it to that device's kernels; to look at what it
// holds, copy it (core/tensor.h: copy_converted, HostView).
#pragma once

#include <cstddef>
#include <string_view>

namespace hadal {

/// All work of a device, kernels included, is done in the order in which it is asked for. A call
/// returns as soon as the host may go on: what it was given may be changed, what it was to bring is
/// there. Throws DeviceError when the device refuses, out of memory included.
class Device {
 public:
  virtual ~Device() = default;
  /// "cuda:0".
  virtual std::string_view name() const = 0;
  /// The queue of its work as libraries that work in it know it, a cudaStream_t; null where there
  /// is none.
  virtual void* native_queue() { return nullptr; }

  /// `bytes` of zeros, aligned to 256; never null. release() waits for work that may use them.
  virtual std::byte* allocate(std::size_t bytes) = 0;
  virtual void release(std::byte* memory) = 0;
  /// What could be allocated now, as far as the device knows; others may take of it too.
  virtual std::size_t free_bytes() const = 0;

  virtual void upload(const std::byte* from_host, std::byte* to, std::size_t bytes) = 0;
  virtual void download(const std::byte* from, std::byte* to_host, std::size_t bytes) = 0;
  /// Within the device; the two do not overlap.
  virtual void copy(const std::byte* from, std::byte* to, std::size_t bytes) = 0;
  virtual void fill(std::byte* memory, std::byte value, std::size_t bytes) = 0;
};

}  // namespace hadal

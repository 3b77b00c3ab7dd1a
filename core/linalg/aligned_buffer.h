// Scratch memory on a boundary of 64 bytes, without values until it is written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace hadal::linalg {

template <typename T>
class AlignedBuffer {
 public:
  /// Room for `size` elements; what was there is lost when it grows.
  T* reserve(std::int64_t size) {
    if (size > size_) {
      memory_.reset(static_cast<T*>(
          ::operator new (static_cast<std::size_t>(size) * sizeof(T), std::align_val_t{64})));
      size_ = size;
    }
    return memory_.get();
  }
  T* data() { return memory_.get(); }
  const T* data() const { return memory_.get(); }

 private:
  struct Free {
    void operator()(T* p) const { ::operator delete (p, std::align_val_t{64}); }
  };
  std::unique_ptr<T, Free> memory_;
  std::int64_t size_ = 0;
};

}  // namespace hadal::linalg

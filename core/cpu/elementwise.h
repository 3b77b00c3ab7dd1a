// Loops over values whose order does not matter, sixteen elements at a time.
#pragma once

#include <cstdint>

#include "core/backend.h"
#include "core/cpu/avx512.h"

namespace hadal::cpu {

/// Calls f(offset, lanes) for every group of up to 16 of `count` elements; f must be HADAL_AVX512.
template <typename F>
HADAL_AVX512_INLINE void for_each_16(std::int64_t count, const F& f) {
  std::int64_t i = 0;
  for (; i + 16 <= count; i += 16) f(i, static_cast<__mmask16>(0xffff));
  if (i < count) f(i, static_cast<__mmask16>((1u << (count - i)) - 1));
}

/// Whether d_in[i] is to be added to.
inline bool adds(const KernelArgs& args, std::size_t i) {
  return !args.add_to_d_in.empty() && args.add_to_d_in[i];
}

/// to = factor * from, or to += when `add`. Needs AVX-512.
void scale_into(const float* from, float factor, bool add, float* to, std::int64_t count);

}  // namespace hadal::cpu

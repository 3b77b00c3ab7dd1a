#include "core/cpu/elementwise.h"

namespace hadal::cpu {

HADAL_AVX512 void scale_into(const float* from, float factor, bool add, float* to,
                             std::int64_t count) {
  if (add)
    for_each_16(count, [&](std::int64_t i, __mmask16 lanes) HADAL_AVX512 {
      const __m512 sum = fma(factor, load(from + i, lanes), load(to + i, lanes));
      store(to + i, lanes, sum);
    });
  else
    for_each_16(count, [&](std::int64_t i, __mmask16 lanes) HADAL_AVX512 {
      store(to + i, lanes, times(factor, load(from + i, lanes)));
    });
}

}  // namespace hadal::cpu

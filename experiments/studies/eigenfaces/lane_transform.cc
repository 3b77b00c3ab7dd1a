#include "experiments/studies/eigenfaces/lane_transform.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "core/base/error.h"

namespace hadal::eigenfaces {

const CorrelationKernels& correlation_kernels() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                 __builtin_cpu_supports("fma")
             ? avx512_kernels()
             : portable_kernels();
}

std::vector<int> radices_of(int length) {
  std::vector<int> radices;
  int rest = length;
  for (const int radix : {4, 2, 3, 5})
    for (; rest > 1 && rest % radix == 0; rest /= radix) radices.push_back(radix);
  if (rest != 1)
    throw ConfigError(
        fmt::format("Fourier transform of {} points: wanted a product of 2, 3 and 5; the next is "
                    "{}",
                    length, smooth_length(length)));
  return radices;
}

int smooth_length(int at_least) {
  for (int length = std::max(at_least, 1);; ++length) {
    int rest = length;
    for (const int prime : {2, 3, 5})
      while (rest % prime == 0) rest /= prime;
    if (rest == 1) return length;
  }
}

LaneTransform::LaneTransform(int length) : length_(length) {
  int blocks = 1;
  std::vector<std::size_t> offsets;
  for (const int radix : radices_of(length)) {
    const int span = length / blocks / radix;
    offsets.push_back(twiddles_.size());
    for (int j = 0; j < span; ++j)
      for (int q = 1; q < radix; ++q) {
        const double angle = 2 * std::numbers::pi * j * q / (radix * span);
        twiddles_.push_back(static_cast<float>(std::cos(angle)));
        twiddles_.push_back(static_cast<float>(std::sin(angle)));
      }
    stages_.push_back({.radix = radix, .span = span, .blocks = blocks, .twiddles = nullptr});
    blocks *= radix;
  }
  for (std::size_t i = 0; i < stages_.size(); ++i)
    stages_[i].twiddles = twiddles_.data() + offsets[i];
}

}  // namespace hadal::eigenfaces

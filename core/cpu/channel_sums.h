#pragma once

#include "core/tensor.h"

namespace hadal::cpu {

/// sums[c] = sum of view over N, H and W, in float32 over at most 1024 pixels and in double above.
/// Needs AVX-512.
void channel_sums(const TensorView& view, float* sums);

}  // namespace hadal::cpu

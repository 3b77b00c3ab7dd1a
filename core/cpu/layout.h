// Where the 16-channel blocks of a value lie. nChw16c is the order of oneDNN's AVX-512 kernels and
// of ours: a pixel of one block is exactly one vector.
#pragma once

#include "core/kernel.h"

namespace hadal::cpu {

inline constexpr std::int64_t kBlock = 16;

/// True when the value can be read as N x C/16 x H x W x 16: it is kept so, or NHWC is the same
/// order.
bool is_blocked(const TensorView& view);

/// True when the value can be read as N x H x W x C.
bool is_nhwc(const TensorView& view);

/// float32; `from` and `to` have the same shape and lie apart.
void reorder(const TensorView& from, const TensorView& to);

}  // namespace hadal::cpu

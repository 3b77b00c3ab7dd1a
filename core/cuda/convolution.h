#pragma once

#include "core/cuda/device.h"
#include "core/cuda/kernels.h"

namespace hadal::cuda {

/// By cuDNN's engines; a pass for which it has none that is deterministic runs our plain loops.
/// Which engine runs is the first that its heuristics name, or, where HADAL_CUDNN_PLANS names a
/// file, the fastest of the first eight, as plan_choices.h says.
KernelPtr make_convolution(const Conv2dOp& op, const KernelContext& context, CudaDevice& device);

/// By cuBLAS, in float32 without TF32.
KernelPtr make_linear(const LinearOp& op, const KernelContext& context, CudaDevice& device);

}  // namespace hadal::cuda

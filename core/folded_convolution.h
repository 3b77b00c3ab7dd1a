#pragma once

#include "core/backend.h"

namespace hadal {

/// The operation in host memory: folds the weights anew at every run (parameters may have moved),
/// then runs the backend's own convolution with them. float32 and float64.
Backend::KernelPtr fold_on_the_host(const FoldedConv2dOp& op, const KernelContext& context,
                                    Backend& backend);

/// out x kernel_h x kernel_w x in/groups.
Shape folded_weight(const FoldedConv2dOp& op, const KernelContext& context);

}  // namespace hadal

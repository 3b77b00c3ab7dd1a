#pragma once

#include <memory>

#include "core/layer.h"

namespace hadal {

/// Inference only: a convolution and the batch norm that follows it as one convolution, with
///
///   weight'[o] = s[o] * weight[o],   bias'[o] = s[o] * (bias[o] - mean[o]) + beta[o],
///   s[o] = gamma[o] / sqrt(var[o] + epsilon)
///
/// folded at every run from the present values, which costs one pass over the weights. Parameters:
/// the convolution's (weight, bias if any), then the norm's (gamma, beta if affine); running: mean,
/// var. The plan's rewrites make it; models do not.
std::shared_ptr<const Layer> folded_conv2d(const Conv2dOp& convolution, const BatchNormOp& norm);

}  // namespace hadal

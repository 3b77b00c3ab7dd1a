#pragma once

#include <string>

#include "core/graph.h"

namespace hadal {

/// One loss per sample, over its D elements:
///
///   half_sum: loss[n] = 1/2 sum_d (x[n,d] - t[n,d])^2     d x = d loss (x - t)
///   else:     loss[n] = 1/D sum_d (x[n,d] - t[n,d])^2     d x = d loss 2 (x - t) / D
///
/// x, target: N x ..., of one shape; loss: N. No gradient flows to the target.
/// Throws ShapeError when the shapes differ.
/// Source: half_sum, Caffe's EuclideanLoss; the mean, Keras' mean_squared_error.
Value mean_squared_error(Graph& g, std::string name, Value x, Value target,
                         const MeanSquaredErrorOp& options = {});

}  // namespace hadal

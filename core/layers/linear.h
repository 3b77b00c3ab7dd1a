#pragma once

#include <string>

#include "core/graph.h"

namespace hadal {

struct LinearOptions {
  int out = 0;
  bool bias = true;
  Initializer initializer = Initializer::he_fan_in();
  Initializer bias_initializer = Initializer::constant(0);
  double bias_rate_multiplier = 1.0;   // of the learning rate
  double bias_decay_multiplier = 1.0;  // of the weight decay
};

/// Fully connected layer over all elements of a sample:
///
///   y[n,o] = b[o] + sum_k w[o,k] * x[n,k],  k over H, W, C in NHWC order
///
/// x: N x H x W x C or N x K. y: N x out. Parameters: weight, out x K; bias, out.
/// Throws ConfigError unless `out` is positive, ShapeError unless x is a batch of vectors or
/// images.
Value linear(Graph& g, std::string name, Value x, const LinearOptions& options);

}  // namespace hadal

#pragma once

#include <string>

#include "core/graph.h"

namespace hadal {

struct SubsampleOptions {
  int window = 2;
  /// Of the coefficient. +-2.4 / fan-in, the fan-in being the 4 cells of a 2 x 2 window.
  Initializer initializer = Initializer::uniform(0.6);
};

/// LeNet-5's trainable subsampling:
///
///   y[n,p,q,c] = a[c] * (sum of x[n,.,.,c] over the window x window cells at (p,q)) + b[c]
///
/// x: N x H x W x C. y: N x H/window x W/window x C, to be squashed by the layer that follows.
/// Parameters: coefficient (a), C; bias (b), C, zero at first.
/// Throws ConfigError unless window is positive, ShapeError unless it divides H and W.
/// Source: LeCun et al. 1998, II-B.
Value subsample(Graph& g, std::string name, Value x, const SubsampleOptions& options = {});

}  // namespace hadal

#pragma once

#include <string>

#include "core/graph.h"

namespace hadal {

struct LrnOptions {
  double k = 2.0, alpha = 1e-4, beta = 0.75;
  int size = 5;
};

/// Local response normalisation across channels.
///
///   y[n,h,w,c] = x[n,h,w,c] / (k + alpha * sum_{|c'-c| <= size/2} x[n,h,w,c']^2)^beta
///
/// x, y: N x H x W x C. `size` counts channels and is odd; alpha is not divided by it.
/// Throws ConfigError unless size is odd and positive, k positive and alpha not negative,
/// ShapeError unless x has four dimensions.
/// Source: Krizhevsky et al. 2012, 3.3, defaults included (k 2, size 5, alpha 1e-4, beta 0.75).
Value lrn(Graph& g, std::string name, Value x, const LrnOptions& options = {});

}  // namespace hadal

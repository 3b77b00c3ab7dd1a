#pragma once

#include <string>

#include "core/graph.h"

namespace hadal {

struct BiasOptions {
  Initializer initializer = Initializer::constant(0);
};

/// y[..., c] = x[..., c] + b[c].
///
/// x, y: N x H x W x C or N x C. Parameter: bias, C. Throws ShapeError for other shapes.
Value bias(Graph& g, std::string name, Value x, const BiasOptions& options = {});

}  // namespace hadal

#pragma once

#include <string>

#include "core/graph.h"

namespace hadal {

/// N x H x W x C to N x (H W C), in this order; N x C stays what it is.
/// Throws ShapeError when x has fewer than two dimensions.
Value flatten(Graph& g, std::string name, Value x);

}  // namespace hadal

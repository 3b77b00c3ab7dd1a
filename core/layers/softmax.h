#pragma once

#include <string>

#include "core/graph.h"

namespace hadal {

/// y[n, k] = e^x[n, k] / sum_j e^x[n, j], computed after subtracting the row's maximum.
/// x, y: N x K. Throws ShapeError unless x has two dimensions.
Value softmax(Graph& g, std::string name, Value x);

}  // namespace hadal

#pragma once

#include <string>
#include <vector>

#include "core/graph.h"

namespace hadal {

/// Channels of all inputs one after another: N x H x W x C_i (or N x C_i) give N x H x W x sum C_i.
/// An input behind a closed gate counts as zeros.
/// Throws ShapeError when N, H or W differ, ConfigError without inputs.
/// Source: Szegedy et al. 2014, the inception module.
Value concat(Graph& g, std::string name, std::vector<Graph::Edge> inputs);

}  // namespace hadal

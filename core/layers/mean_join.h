#pragma once

#include <string>
#include <vector>

#include "core/graph.h"

namespace hadal {

/// Element-wise mean over the inputs that are present:
///
///   y = (1 / n) sum over open i of x_i,   d x_i = d y / n for open i, nothing for the others
///
/// with n the number of open inputs, at least one. All of one shape. Joins that meet are written as
/// one flat mean over all columns that end there, not as means of means.
/// Throws ShapeError when the shapes differ, ConfigError without inputs.
/// Source: Larsson et al. 2017, section 3; flat as in the authors' released generator.
Value mean_join(Graph& g, std::string name, std::vector<Graph::Edge> columns);

}  // namespace hadal

#pragma once

#include <string>
#include <vector>

#include "core/layers/conv2d.h"

namespace hadal {

/// A convolution whose map o sees only the input channels connections[o], as LeNet-5's C3:
///
///   y[n,p,q,o] = b[o] + sum over c in connections[o], i, j of w_o[i,j,c] * x[n, p s + i - top,
///   ..., c]
///
/// There are no weights for connections that are not made, so C3 has its 1,516 parameters. Built of
/// nodes: neighbouring maps with equally many inputs are one convolution in as many groups, fed by
/// a gather of their channels; a concatenation called `name` joins them. The nodes between are
/// called "name.maps0-5.inputs" and "name.maps0-5". options.out is the number of maps and must be
/// connections.size() or 0; options.groups must be 1.
/// Throws ConfigError otherwise or when a map has no input, ShapeError as conv2d does.
/// Source: LeCun et al. 1998, II-B and table I.
Value partial_conv2d(Graph& g, const std::string& name, Value x,
                     const std::vector<std::vector<int>>& connections,
                     const Conv2dOptions& options);

}  // namespace hadal

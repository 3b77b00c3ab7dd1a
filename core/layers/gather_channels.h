#pragma once

#include <string>
#include <vector>

#include "core/graph.h"

namespace hadal {

/// Picks channels, in the order given and as often as given:
///
///   y[..., i] = x[..., channels[i]]
///
/// x: N x H x W x C or N x C. y: the same with C = channels.size().
/// Throws ShapeError unless every channel is below C, ConfigError for an empty list.
Value gather_channels(Graph& g, std::string name, Value x, std::vector<int> channels);

}  // namespace hadal

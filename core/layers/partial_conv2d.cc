#include "core/layers/partial_conv2d.h"

#include <fmt/format.h>

#include "core/layers/concat.h"
#include "core/layers/gather_channels.h"

namespace hadal {
namespace {

using Connections = std::vector<std::vector<int>>;

/// The maps [first, last) as one grouped convolution on the channels they see.
Value run_of_maps(Graph& g, const std::string& name, Value x, const Connections& connections,
                  std::size_t first, std::size_t last, Conv2dOptions options) {
  std::vector<int> channels;
  for (std::size_t map = first; map < last; ++map)
    channels.insert(channels.end(), connections[map].begin(), connections[map].end());
  const std::string maps = fmt::format("{}.maps{}-{}", name, first, last - 1);
  options.out = options.groups = static_cast<int>(last - first);
  return conv2d(g, maps, gather_channels(g, maps + ".inputs", x, std::move(channels)), options);
}

}  // namespace

Value partial_conv2d(Graph& g, const std::string& name, Value x, const Connections& connections,
                     const Conv2dOptions& options) {
  const auto maps = static_cast<int>(connections.size());
  if (maps == 0 || (options.out != 0 && options.out != maps) || options.groups != 1)
    throw ConfigError(fmt::format("{}: {} maps in {} groups, but connections for {} maps", name,
                                  options.out, options.groups, maps));
  std::vector<Graph::Edge> runs;
  for (std::size_t first = 0, last; first < connections.size(); first = last) {
    if (connections[first].empty())
      throw ConfigError(fmt::format("{}: map {} has no inputs", name, first));
    last = first + 1;
    while (last < connections.size() && connections[last].size() == connections[first].size())
      ++last;
    runs.push_back({run_of_maps(g, name, x, connections, first, last, options), std::nullopt});
  }
  return concat(g, name, std::move(runs));
}

}  // namespace hadal

#include "tests/models/model_facts.h"

#include <algorithm>

namespace hadal::models {

namespace {

bool has_weights(const Graph::Node& node) {
  return node.layer && (node.layer->type() == "conv2d" || node.layer->type() == "linear");
}

}  // namespace

Counts count(const Model& model) {
  Counts counts;
  const auto nodes = model.graph.nodes();
  std::vector<int> depth(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const Graph::Node& node = nodes[i];
    for (const Graph::Edge& edge : node.inputs)
      depth[i] = std::max(depth[i], depth[edge.from.node]);
    if (!node.layer) continue;
    const std::vector<Shape> in = model.graph.input_shapes(node);
    counts.macs += node.layer->macs(in);
    for (const ParameterSpec& parameter : node.layer->parameters(in)) {
      if (!parameter.trainable) continue;
      const std::int64_t elements = parameter.shape.elements();
      counts.trainable += elements;
      if (has_weights(node)) counts.weights += elements;
      if (node.layer->type() == "batch_norm") counts.batch_norm += elements;
    }
    if (!has_weights(node)) continue;
    ++depth[i];
    if (node.name.find("shortcut") == std::string::npos) ++counts.weight_layers;
  }
  counts.depth = depth[model.loss.node];
  return counts;
}

}  // namespace hadal::models

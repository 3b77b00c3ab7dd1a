// From the graph a model wrote to the nodes a plan runs: pruned to what is wanted, with the
// rewrites that a purpose allows. Values that are asked for are never rewritten away.
//
//   training and inference: batch_norm -> (add) -> relu become one node
//   inference:              a gated add scales its branch by the gate's survival probability;
//                           conv2d -> batch_norm become one convolution with folded weights, where
//                           no add follows
//   always:                 relu passes gradients back by the rule asked for
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/graph.h"

namespace hadal {

struct LoweredNode {
  std::string name;
  std::shared_ptr<const Layer> layer;  // null: an input
  std::vector<Graph::Edge> inputs;     // `from` counts lowered nodes
  int value_of = -1;                   // the graph's node whose value this is
  std::vector<int>
      parameters_of;  // the graph's nodes whose parameters and statistics it uses, in order
};

struct LoweringOptions {
  bool training = true;
  bool fuse = true;
  ReluRule relu_rule = ReluRule::kGradient;
  std::vector<Value> wanted;  // outputs, seeds, everything asked for
};

std::vector<LoweredNode> lower(const Graph& graph, const LoweringOptions& options);

}  // namespace hadal

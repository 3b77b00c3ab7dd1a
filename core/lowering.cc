#include "core/lowering.h"

#include "core/layers/activation.h"
#include "core/layers/add.h"
#include "core/layers/batch_norm.h"
#include "core/layers/conv2d.h"
#include "core/layers/folded_conv2d.h"

namespace hadal {
namespace {

template <typename LayerType>
const LayerType* layer_as(const Graph::Node& node) {
  return dynamic_cast<const LayerType*>(node.layer.get());
}

class Lowering {
 public:
  Lowering(const Graph& graph, const LoweringOptions& options)
      : graph_(graph),
        options_(options),
        wanted_(graph.nodes().size(), false),
        needed_(graph.nodes().size(), false),
        consumers_(graph.nodes().size(), 0) {
    for (const Value value : options.wanted) wanted_.at(value.node) = needed_[value.node] = true;
    for (int id = static_cast<int>(graph.nodes().size()) - 1; id >= 0; --id) {
      if (!needed_[id]) continue;
      for (const Graph::Edge& edge : graph.nodes()[id].inputs) {
        needed_[edge.from.node] = true;
        ++consumers_[edge.from.node];
      }
    }
  }

  std::vector<LoweredNode> run() {
    const int count = static_cast<int>(graph_.nodes().size());
    for (int id = 0; id < count; ++id)
      if (needed_[id]) rewrite(id);
    // A node that another one took in is gone when nothing reads it any more.
    std::vector<bool> alive(count, false);
    for (int id = count - 1; id >= 0; --id) {
      if (!needed_[id]) continue;
      alive[id] = alive[id] || wanted_[id];
      if (!alive[id]) continue;
      for (const Graph::Edge& edge : lowered_[id].inputs) alive[edge.from.node] = true;
    }
    std::vector<int> place(count, -1);
    std::vector<LoweredNode> nodes;
    for (int id = 0; id < count; ++id) {
      if (!alive[id]) continue;
      place[id] = static_cast<int>(nodes.size());
      for (Graph::Edge& edge : lowered_[id].inputs) edge.from.node = place[edge.from.node];
      nodes.push_back(std::move(lowered_[id]));
    }
    return nodes;
  }

 private:
  const Graph::Node& node(Value value) const { return graph_.node(value); }

  /// Only this reader, and nobody outside asks for it.
  bool only_passed_on(Value value) const {
    return consumers_[value.node] == 1 && !wanted_[value.node];
  }

  void rewrite(int id) {
    const Graph::Node& n = graph_.nodes()[id];
    lowered_.resize(id + 1);
    lowered_[id] = {n.name, n.layer, n.inputs, id, {id}};
    if (const auto* activation = layer_as<ActivationLayer>(n)) rewrite_activation(id, *activation);
    if (layer_as<AddLayer>(n)) rewrite_add(id);
    if (const auto* norm = layer_as<BatchNormLayer>(n)) fold_into_convolution(id, *norm);
  }

  double branch_scale(const Graph::Node& add) const {
    const auto& gate = add.inputs[1].gate;
    return options_.training || !gate ? 1.0 : graph_.gates()[gate->id].survival_probability;
  }

  void rewrite_activation(int id, const ActivationLayer& activation) {
    const Graph::Node& n = graph_.nodes()[id];
    if (activation.op().kind != Activation::kRelu) return;
    if (options_.relu_rule != ReluRule::kGradient) {
      lowered_[id].layer = activation.with_relu_rule(options_.relu_rule);
      return;
    }
    if (!options_.fuse || !only_passed_on(n.inputs[0].from)) return;
    const Value source = n.inputs[0].from;
    if (layer_as<AddLayer>(node(source))) {
      if (!fuse_norm_and_add(id, source.node)) return;
    } else if (const auto* norm = layer_as<BatchNormLayer>(node(source)); norm && !folded(source)) {
      lowered_[id].inputs = node(source).inputs;
      lowered_[id].parameters_of = {source.node};
      lowered_[id].layer = fused_batch_norm(norm->op());
    } else {
      return;
    }
    BatchNormOp op = dynamic_cast<const BatchNormLayer&>(*lowered_[id].layer).op();
    op.relu = true;
    lowered_[id].layer = fused_batch_norm(op);
  }

  void rewrite_add(int id) {
    const Graph::Node& n = graph_.nodes()[id];
    if (options_.fuse && fuse_norm_and_add(id, id)) return;
    if (const double scale = branch_scale(n); scale != 1.0)
      lowered_[id].layer = layer_as<AddLayer>(n)->with_scale(scale);
  }

  /// Makes `id` the batch norm on the branch of the addition `add`, followed by the addition.
  bool fuse_norm_and_add(int id, int add) {
    const Graph::Node& n = graph_.nodes()[add];
    const auto& [branch, gate] = n.inputs[1];
    const auto* norm = layer_as<BatchNormLayer>(node(branch));
    if (!norm || !only_passed_on(branch)) return false;
    BatchNormOp op = norm->op();
    op.add = true;
    op.branch_scale = branch_scale(n);
    lowered_[id].layer = fused_batch_norm(op);
    lowered_[id].inputs = {{node(branch).inputs[0].from, gate}, n.inputs[0]};
    lowered_[id].parameters_of = {branch.node};
    return true;
  }

  bool folded(Value norm) const { return lowered_[norm.node].parameters_of.size() > 1; }

  void fold_into_convolution(int id, const BatchNormLayer& norm) {
    const Value source = graph_.nodes()[id].inputs[0].from;
    const auto* convolution = layer_as<Conv2dLayer>(node(source));
    if (!options_.fuse || options_.training || !convolution || !only_passed_on(source)) return;
    lowered_[id].layer = folded_conv2d(convolution->op(), norm.op());
    lowered_[id].inputs = node(source).inputs;
    lowered_[id].parameters_of = {source.node, id};
  }

  const Graph& graph_;
  const LoweringOptions& options_;
  std::vector<bool> wanted_, needed_;
  std::vector<int> consumers_;
  std::vector<LoweredNode> lowered_;
};

}  // namespace

std::vector<LoweredNode> lower(const Graph& graph, const LoweringOptions& options) {
  return Lowering(graph, options).run();
}

}  // namespace hadal

#include "core/graph.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"

namespace hadal {
namespace {

constexpr int kMaxNodes = 100000;  // ResNet-1202 has 3,600

}  // namespace

Value Graph::input(std::string name, const Shape& sample, DType type) {
  HADAL_CHECK(sample.rank() > 0 && sample.n() == 1);
  return append({std::move(name), nullptr, {}, sample, type});
}

Value Graph::apply(std::string name, std::shared_ptr<const Layer> layer, std::vector<Edge> inputs) {
  HADAL_CHECK(layer != nullptr);
  Node node{std::move(name), std::move(layer), std::move(inputs), {}, DType::kFloat32};
  std::vector<DType> types;
  for (const Edge& edge : node.inputs) {
    HADAL_CHECK(!edge.gate || edge.gate->id < static_cast<int>(gates_.size()));
    types.push_back(this->node(edge.from).type);
  }
  try {
    node.shape = node.layer->output_shape(input_shapes(node));
  } catch (const ShapeError& error) {
    throw ShapeError(node.name + ": " + error.what());
  }
  node.type = node.layer->output_type(types);
  return append(std::move(node));
}

Value Graph::apply(std::string name, std::shared_ptr<const Layer> layer,
                   std::initializer_list<Value> inputs) {
  std::vector<Edge> edges;
  for (const Value value : inputs) edges.push_back({value, std::nullopt});
  return apply(std::move(name), std::move(layer), std::move(edges));
}

Value Graph::append(Node node) {
  const int id = static_cast<int>(nodes_.size());
  if (id == kMaxNodes)
    throw ConfigError(
        fmt::format("a net of more than {} layers is taken for a mistake", kMaxNodes));
  if (!by_name_.emplace(node.name, id).second)
    throw ConfigError(fmt::format("the graph has two nodes named '{}'", node.name));
  nodes_.push_back(std::move(node));
  return {id};
}

Gate Graph::gate(std::string name, double survival_probability) {
  gates_.push_back({std::move(name), survival_probability});
  return {static_cast<int>(gates_.size()) - 1};
}

const Graph::Node& Graph::node(Value value) const {
  HADAL_CHECK(value.node >= 0 && value.node < static_cast<int>(nodes_.size()));
  return nodes_[value.node];
}

Value Graph::find(std::string_view name) const {
  if (const auto found = by_name_.find(std::string(name)); found != by_name_.end())
    return {found->second};
  std::vector<std::string> known;
  for (const Node& node : nodes_) known.push_back(node.name);
  throw ConfigError(unknown_name("node", name, known));
}

std::vector<Shape> Graph::input_shapes(const Node& node, std::int64_t batch) const {
  std::vector<Shape> shapes;
  for (const Edge& edge : node.inputs) shapes.push_back(shape(edge.from).with_batch(batch));
  return shapes;
}

}  // namespace hadal

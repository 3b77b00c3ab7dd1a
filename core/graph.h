// The static graph a model builds: nodes in topological order (a node only takes values that
// exist), one output each.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/layer.h"

namespace hadal {

/// The output of a node, by its place in the graph.
struct Value {
  int node = -1;
  explicit operator bool() const { return node >= 0; }
  friend bool operator==(const Value&, const Value&) = default;
};

/// A run-time switch on edges, by its place in the graph. Closed: nothing flows over the edge,
/// forward or backward, and what was needed only for that edge does not run and sends nothing.
struct Gate {
  int id = -1;
  friend bool operator==(const Gate&, const Gate&) = default;
};

/// Gate states of one step, by gate id: 1 open, 0 closed. Empty means all open.
using GateMask = std::vector<std::uint8_t>;

class Graph {
 public:
  struct Edge {
    Value from;
    std::optional<Gate> gate;
  };
  struct Node {
    std::string name;
    std::shared_ptr<const Layer> layer;  // null: an input, fed from outside
    std::vector<Edge> inputs;
    Shape shape;  // N = 1
    DType type = DType::kFloat32;
  };
  struct GateInfo {
    std::string name;
    double survival_probability = 1.0;  // expectation used at inference by gated additions
  };

  /// A value fed from outside; `sample` has N = 1.
  Value input(std::string name, const Shape& sample, DType type = DType::kFloat32);

  /// Appends a node. Throws ConfigError when the name is taken, ShapeError (with the name before
  /// it) when shapes do not fit.
  Value apply(std::string name, std::shared_ptr<const Layer> layer, std::vector<Edge> inputs);
  Value apply(std::string name, std::shared_ptr<const Layer> layer,
              std::initializer_list<Value> inputs);

  Gate gate(std::string name, double survival_probability = 1.0);

  std::span<const Node> nodes() const { return nodes_; }
  const Node& node(Value value) const;
  const Shape& shape(Value value) const { return node(value).shape; }
  std::span<const GateInfo> gates() const { return gates_; }

  /// By name; throws ConfigError with the nearest known name.
  Value find(std::string_view name) const;

  std::vector<Shape> input_shapes(const Node& node, std::int64_t batch = 1) const;

 private:
  Value append(Node node);

  std::vector<Node> nodes_;
  std::unordered_map<std::string, int> by_name_;
  std::vector<GateInfo> gates_;
};

}  // namespace hadal

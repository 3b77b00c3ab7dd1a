#include "tests/core/random_graph.h"

#include "core/base/random.h"
#include "core/layers/activation.h"
#include "core/layers/add.h"
#include "core/layers/batch_norm.h"
#include "core/layers/concat.h"
#include "core/layers/conv2d.h"
#include "core/layers/linear.h"
#include "core/layers/mean_join.h"
#include "core/layers/mean_squared_error.h"
#include "core/layers/pool.h"

namespace hadal::test {
namespace {

class Builder {
 public:
  explicit Builder(std::uint64_t seed) : stream_{seed, random::Purpose::kTest, 77} {}

  RandomGraph build(int blocks) {
    RandomGraph net;
    Graph& g = net.graph;
    net.image = g.input("image", {1, 6, 6, 4});
    Value x = net.image;
    for (int b = 0; b < blocks; ++b) x = block(g, "b" + std::to_string(b) + ".", x);
    const Value scores = linear(g, "scores", x, {.out = 3});
    const Value target = linear(g, "target", net.image, {.out = 3});
    net.loss = mean_squared_error(g, "loss", scores, target);
    return net;
  }

 private:
  int pick(int n) {
    return static_cast<int>(random::below(stream_, static_cast<std::uint32_t>(n), next_++));
  }

  Value conv_norm(Graph& g, const std::string& name, Value x, int width) {
    x = conv2d(g, name + "conv", x, {.out = width, .kernel = pick(2) ? 3 : 1});
    return pick(3) ? batch_norm(g, name + "bn", x) : x;
  }

  Value block(Graph& g, const std::string& name, Value x) {
    const int width = static_cast<int>(g.shape(x).c());
    switch (pick(6)) {
      case 0: {  // residual, as in ResNet
        Value y = relu(g, name + "relu1", conv_norm(g, name + "1.", x, width));
        y = conv_norm(g, name + "2.", y, width);
        std::optional<Gate> gate;
        if (pick(3)) gate = g.gate(name + "gate", 0.5);
        const Value sum = add(g, name + "add", x, y, gate);
        return pick(3) ? relu(g, name + "out", sum) : sum;
      }
      case 1:
        return relu(g, name + "relu", conv_norm(g, name, x, 2 + pick(4)));
      case 2: {  // columns into a join, as in FractalNet
        std::vector<Graph::Edge> columns;
        for (int c = 0, count = 2 + pick(2); c < count; ++c) {
          const std::string column = name + "c" + std::to_string(c) + ".";
          Value y = conv_norm(g, column, x, 4);
          if (pick(2)) y = tanh(g, column + "tanh", y);
          columns.push_back({y, g.gate(column + "gate", 0.85)});
        }
        return mean_join(g, name + "join", columns);
      }
      case 3: {
        const Value left = conv_norm(g, name + "left.", x, 2),
                    right = sigmoid(g, name + "sigmoid", x);
        return concat(g, name + "concat", {{left, std::nullopt}, {right, std::nullopt}});
      }
      case 4:
        return tanh(g, name + "tanh", relu(g, name + "relu", x));
      default:  // a value used twice by one node
        return add(g, name + "twice", x, x);
    }
  }

  random::Stream stream_;
  std::uint64_t next_ = 0;
};

}  // namespace

RandomGraph random_graph(std::uint64_t seed, int blocks) { return Builder(seed).build(blocks); }

GateMask random_gates(const RandomGraph& net, std::uint64_t seed) {
  GateMask mask;
  for (std::size_t i = 0; i < net.graph.gates().size(); ++i) {
    const bool first_column = net.graph.gates()[i].name.find(".c0.") != std::string::npos;
    mask.push_back(first_column || random::below({seed, random::Purpose::kTest, 78}, 2, i));
  }
  return mask;
}

}  // namespace hadal::test

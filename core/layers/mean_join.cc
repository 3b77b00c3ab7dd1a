#include "core/layers/mean_join.h"

#include <fmt/format.h>

#include "core/layers/expect.h"

namespace hadal {
namespace {

class MeanJoinLayer final : public Layer {
 public:
  std::string_view type() const override { return "mean_join"; }
  Shape output_shape(std::span<const Shape> in) const override {
    for (std::size_t i = 1; i < in.size(); ++i)
      expect_same(in[i], fmt::format("column {}", i), in[0], "column 0");
    return in[0];
  }
  BackwardReads backward_reads() const override { return {}; }
  bool forward_in_place() const override { return true; }
  bool backward_in_place() const override { return true; }
  std::unique_ptr<Kernel> prepare(Backend& backend, const KernelContext& context) const override {
    return backend.prepare(MeanJoinOp{}, context);
  }
};

}  // namespace

Value mean_join(Graph& g, std::string name, std::vector<Graph::Edge> columns) {
  if (columns.empty()) throw ConfigError(name + ": mean_join has no inputs, wanted one or more");
  return g.apply(std::move(name), std::make_shared<MeanJoinLayer>(), std::move(columns));
}

}  // namespace hadal

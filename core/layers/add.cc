#include "core/layers/add.h"

#include <fmt/format.h>

#include "core/layers/expect.h"

namespace hadal {

std::shared_ptr<const AddLayer> AddLayer::with_scale(double scale) const {
  return std::make_shared<AddLayer>(AddOp{.scale = scale});
}

std::string AddLayer::describe() const {
  return op_.scale == 1.0 ? "" : fmt::format("branch x {}", op_.scale);
}

Shape AddLayer::output_shape(std::span<const Shape> in) const {
  HADAL_CHECK(in.size() == 2);
  expect_same(in[1], "branch", in[0], "the shortcut");
  return in[0];
}

std::unique_ptr<Kernel> AddLayer::prepare(Backend& backend, const KernelContext& context) const {
  return backend.prepare(op_, context);
}

Value add(Graph& g, std::string name, Value shortcut, Value branch, std::optional<Gate> gate) {
  return g.apply(std::move(name), std::make_shared<AddLayer>(),
                 std::vector<Graph::Edge>{{shortcut, std::nullopt}, {branch, gate}});
}

}  // namespace hadal

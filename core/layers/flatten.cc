#include "core/layers/flatten.h"

#include <fmt/format.h>

#include "core/base/error.h"

namespace hadal {
namespace {

class FlattenLayer final : public Layer {
 public:
  std::string_view type() const override { return "flatten"; }
  Shape output_shape(std::span<const Shape> in) const override {
    if (in[0].rank() < 2)
      throw ShapeError(fmt::format("input is {}, wanted N x H x W x C", in[0].to_string()));
    return {in[0].n(), in[0].elements_per_sample()};
  }
  BackwardReads backward_reads() const override { return {}; }
  bool forward_in_place() const override { return true; }
  bool backward_in_place() const override { return true; }
  std::unique_ptr<Kernel> prepare(Backend& backend, const KernelContext& context) const override {
    return backend.prepare(FlattenOp{}, context);
  }
};

}  // namespace

Value flatten(Graph& g, std::string name, Value x) {
  return g.apply(std::move(name), std::make_shared<FlattenLayer>(), {x});
}

}  // namespace hadal

#include "core/layers/softmax.h"

#include "core/layers/expect.h"

namespace hadal {
namespace {

class SoftmaxLayer final : public Layer {
 public:
  std::string_view type() const override { return "softmax"; }
  Shape output_shape(std::span<const Shape> in) const override {
    expect_rank(in[0], 2, "input", "N x classes (flatten first)");
    return in[0];
  }
  BackwardReads backward_reads() const override { return {.output = true}; }
  bool forward_in_place() const override { return true; }
  bool backward_in_place() const override { return true; }
  std::unique_ptr<Kernel> prepare(Backend& backend, const KernelContext& context) const override {
    return backend.prepare(SoftmaxOp{}, context);
  }
};

}  // namespace

Value softmax(Graph& g, std::string name, Value x) {
  return g.apply(std::move(name), std::make_shared<SoftmaxLayer>(), {x});
}

}  // namespace hadal

#include "core/layers/mean_squared_error.h"

#include "core/layers/expect.h"

namespace hadal {
namespace {

class MeanSquaredErrorLayer final : public Layer {
 public:
  explicit MeanSquaredErrorLayer(const MeanSquaredErrorOp& op) : op_(op) {}

  std::string_view type() const override { return "mean_squared_error"; }
  std::string describe() const override { return op_.half_sum ? "half sum" : ""; }
  Shape output_shape(std::span<const Shape> in) const override {
    HADAL_CHECK(in.size() == 2);
    expect_same(in[1], "target", in[0], "the input");
    return {in[0].n()};
  }
  BackwardReads backward_reads() const override { return {.inputs = true}; }
  bool differentiable(int input) const override { return input == 0; }
  std::unique_ptr<Kernel> prepare(Backend& backend, const KernelContext& context) const override {
    return backend.prepare(op_, context);
  }

 private:
  MeanSquaredErrorOp op_;
};

}  // namespace

Value mean_squared_error(Graph& g, std::string name, Value x, Value target,
                         const MeanSquaredErrorOp& options) {
  return g.apply(std::move(name), std::make_shared<MeanSquaredErrorLayer>(options), {x, target});
}

}  // namespace hadal

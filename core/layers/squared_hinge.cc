#include "core/layers/squared_hinge.h"

#include <fmt/format.h>

#include "core/layers/expect.h"

namespace hadal {
namespace {

class SquaredHingeLayer final : public Layer {
 public:
  explicit SquaredHingeLayer(const SquaredHingeOp& op) : op_(op) {}

  std::string_view type() const override { return "squared_hinge"; }
  std::string describe() const override { return fmt::format("margin {}", op_.margin); }
  Shape output_shape(std::span<const Shape> in) const override {
    HADAL_CHECK(in.size() == 2);
    expect_scores_and_labels(in[0], in[1]);
    return {in[0].n()};
  }
  BackwardReads backward_reads() const override { return {.inputs = true}; }
  bool differentiable(int input) const override { return input == 0; }
  std::unique_ptr<Kernel> prepare(Backend& backend, const KernelContext& context) const override {
    return backend.prepare(op_, context);
  }

 private:
  SquaredHingeOp op_;
};

}  // namespace

Value squared_hinge(Graph& g, std::string name, Value scores, Value labels,
                    const SquaredHingeOp& options) {
  return g.apply(std::move(name), std::make_shared<SquaredHingeLayer>(options), {scores, labels});
}

}  // namespace hadal

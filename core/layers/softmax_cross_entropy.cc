#include "core/layers/softmax_cross_entropy.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/layers/expect.h"

namespace hadal {
namespace {

class SoftmaxCrossEntropyLayer final : public Layer {
 public:
  explicit SoftmaxCrossEntropyLayer(const SoftmaxCrossEntropyOp& op) : op_(op) {}

  std::string_view type() const override { return "softmax_cross_entropy"; }
  std::string describe() const override {
    return op_.label_smoothing == 0 ? "" : fmt::format("label smoothing {}", op_.label_smoothing);
  }
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
  SoftmaxCrossEntropyOp op_;
};

}  // namespace

Value softmax_cross_entropy(Graph& g, std::string name, Value logits, Value labels,
                            const SoftmaxCrossEntropyOp& options) {
  if (!(options.label_smoothing >= 0 && options.label_smoothing < 1))
    throw ConfigError(
        fmt::format("{}: label smoothing is {}, wanted 0 <= s < 1", name, options.label_smoothing));
  return g.apply(std::move(name), std::make_shared<SoftmaxCrossEntropyLayer>(options),
                 {logits, labels});
}

}  // namespace hadal

#include "core/layers/softmax_cross_entropy.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/layers/loss.h"

namespace hadal {
namespace {

class SoftmaxCrossEntropyLayer final : public LossLayer<SoftmaxCrossEntropyOp> {
 public:
  using LossLayer::LossLayer;

  std::string_view type() const override { return "softmax_cross_entropy"; }
  std::string describe() const override {
    return op().label_smoothing == 0 ? "" : fmt::format("label smoothing {}", op().label_smoothing);
  }
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

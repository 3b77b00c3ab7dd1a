#include "core/layers/squared_hinge.h"

#include <fmt/format.h>

#include "core/layers/loss.h"

namespace hadal {
namespace {

class SquaredHingeLayer final : public LossLayer<SquaredHingeOp> {
 public:
  using LossLayer::LossLayer;

  std::string_view type() const override { return "squared_hinge"; }
  std::string describe() const override { return fmt::format("margin {}", op().margin); }
};

}  // namespace

Value squared_hinge(Graph& g, std::string name, Value scores, Value labels,
                    const SquaredHingeOp& options) {
  return g.apply(std::move(name), std::make_shared<SquaredHingeLayer>(options), {scores, labels});
}

}  // namespace hadal

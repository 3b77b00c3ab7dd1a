#include "core/layers/mean_squared_error.h"

#include "core/layers/loss.h"

namespace hadal {
namespace {

class MeanSquaredErrorLayer final : public LossLayer<MeanSquaredErrorOp> {
 public:
  using LossLayer::LossLayer;

  std::string_view type() const override { return "mean_squared_error"; }
  std::string describe() const override { return op().half_sum ? "half sum" : ""; }

 private:
  void expect_inputs(const Shape& x, const Shape& target) const override {
    expect_same(target, "target", x, "the input");
  }
};

}  // namespace

Value mean_squared_error(Graph& g, std::string name, Value x, Value target,
                         const MeanSquaredErrorOp& options) {
  return g.apply(std::move(name), std::make_shared<MeanSquaredErrorLayer>(options), {x, target});
}

}  // namespace hadal

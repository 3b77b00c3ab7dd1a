#include "core/layers/rbf.h"

#include <fmt/format.h>

#include "core/layers/expect.h"
#include "core/layers/loss.h"
#include "core/layers/rbf_codes.h"

namespace hadal {
namespace {

class RbfLayer final : public Layer {
 public:
  explicit RbfLayer(const RbfOptions& options) : options_(options) {
    if (options.classes < 1)
      throw ConfigError(fmt::format("{} radial basis units, wanted at least one", options.classes));
  }

  std::string_view type() const override { return "rbf"; }
  std::string describe() const override { return fmt::format("{}", options_.classes); }
  Shape output_shape(std::span<const Shape> in) const override {
    expect_rank(in[0], 2, "input", "N x C (flatten first)");
    if (options_.initializer.kind == InitializerKind::kCode &&
        (in[0].c() != kRbfElements || options_.classes != kRbfDigits))
      throw ShapeError(fmt::format("input {} and {} classes; the fixed codes are {} of {} elements",
                                   in[0].to_string(), options_.classes, kRbfDigits, kRbfElements));
    return {in[0].n(), options_.classes};
  }
  std::vector<ParameterSpec> parameters(std::span<const Shape> in) const override {
    ParameterSpec weight{"weight", {options_.classes, in[0].c()}, options_.initializer};
    weight.trainable = false;
    return {weight};
  }
  BackwardReads backward_reads() const override { return {.inputs = true}; }
  std::unique_ptr<Kernel> prepare(Backend& backend, const KernelContext& context) const override {
    return backend.prepare(RbfOp{.classes = options_.classes}, context);
  }

 private:
  RbfOptions options_;
};

class RbfLossLayer final : public LossLayer<RbfLossOp> {
 public:
  using LossLayer::LossLayer;

  std::string_view type() const override { return "rbf_loss"; }
  std::string describe() const override {
    return op().discriminative ? fmt::format("discriminative, margin {}", op().margin) : "";
  }
};

}  // namespace

Value rbf(Graph& g, std::string name, Value x, const RbfOptions& options) {
  return g.apply(std::move(name), std::make_shared<RbfLayer>(options), {x});
}

Value rbf_loss(Graph& g, std::string name, Value scores, Value labels,
               const RbfLossOptions& options) {
  const RbfLossOp op{.discriminative = options.discriminative, .margin = options.margin};
  return g.apply(std::move(name), std::make_shared<RbfLossLayer>(op), {scores, labels});
}

}  // namespace hadal

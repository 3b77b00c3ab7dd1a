#include "core/layers/lrn.h"

#include <fmt/format.h>

#include "core/layers/expect.h"

namespace hadal {
namespace {

class LrnLayer final : public Layer {
 public:
  explicit LrnLayer(const LrnOp& op) : op_(op) {
    if (op.size < 1 || op.size % 2 == 0)
      throw ConfigError(fmt::format(
          "local response normalisation over {} channels, wanted an odd number", op.size));
    if (!(op.k > 0) || !(op.alpha >= 0))
      throw ConfigError(fmt::format(
          "local response normalisation with k {}, alpha {}; wanted k > 0 and alpha >= 0", op.k,
          op.alpha));
  }

  std::string_view type() const override { return "lrn"; }
  std::string describe() const override {
    return fmt::format("k {}, alpha {}, beta {}, {} channels", op_.k, op_.alpha, op_.beta,
                       op_.size);
  }
  Shape output_shape(std::span<const Shape> in) const override {
    expect_rank(in[0], 4, "input", "N x H x W x C");
    return in[0];
  }
  BackwardReads backward_reads() const override { return {.inputs = true}; }
  std::unique_ptr<Kernel> prepare(Backend& backend, const KernelContext& context) const override {
    return backend.prepare(op_, context);
  }

 private:
  LrnOp op_;
};

}  // namespace

Value lrn(Graph& g, std::string name, Value x, const LrnOptions& options) {
  const LrnOp op{
      .k = options.k, .alpha = options.alpha, .beta = options.beta, .size = options.size};
  return g.apply(std::move(name), std::make_shared<LrnLayer>(op), {x});
}

}  // namespace hadal

#include "core/layers/linear.h"

#include <fmt/format.h>

#include "core/layers/expect.h"

namespace hadal {
namespace {

class LinearLayer final : public Layer {
 public:
  explicit LinearLayer(const LinearOptions& options) : options_(options) {
    if (options.out < 1)
      throw ConfigError(
          fmt::format("linear layer with {} outputs, wanted at least one", options.out));
  }

  std::string_view type() const override { return "linear"; }
  std::string describe() const override {
    return fmt::format("{}{}", options_.out, options_.bias ? "" : ", no bias");
  }
  Shape output_shape(std::span<const Shape> in) const override {
    expect_channels(in[0], "input");
    return {in[0].n(), options_.out};
  }
  std::vector<ParameterSpec> parameters(std::span<const Shape> in) const override {
    std::vector<ParameterSpec> specs;
    specs.push_back({"weight", {options_.out, in[0].elements_per_sample()}, options_.initializer});
    if (options_.bias)
      specs.push_back({"bias",
                       {options_.out},
                       options_.bias_initializer,
                       options_.bias_decay_multiplier,
                       options_.bias_rate_multiplier});
    return specs;
  }
  BackwardReads backward_reads() const override { return {.inputs = true}; }
  std::int64_t macs(std::span<const Shape> in) const override {
    return in[0].elements() * options_.out;
  }
  std::unique_ptr<Kernel> prepare(Backend& backend, const KernelContext& context) const override {
    return backend.prepare(LinearOp{.out = options_.out, .bias = options_.bias}, context);
  }

 private:
  LinearOptions options_;
};

}  // namespace

Value linear(Graph& g, std::string name, Value x, const LinearOptions& options) {
  return g.apply(std::move(name), std::make_shared<LinearLayer>(options), {x});
}

}  // namespace hadal

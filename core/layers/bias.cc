#include "core/layers/bias.h"

#include "core/layers/expect.h"

namespace hadal {
namespace {

class BiasLayer final : public Layer {
 public:
  explicit BiasLayer(const BiasOptions& options) : options_(options) {}

  std::string_view type() const override { return "bias"; }
  Shape output_shape(std::span<const Shape> in) const override {
    expect_channels(in[0], "input");
    return in[0];
  }
  std::vector<ParameterSpec> parameters(std::span<const Shape> in) const override {
    return {{"bias", {in[0].c()}, options_.initializer}};
  }
  BackwardReads backward_reads() const override { return {}; }
  bool forward_in_place() const override { return true; }
  bool backward_in_place() const override { return true; }
  std::unique_ptr<Kernel> prepare(Backend& backend, const KernelContext& context) const override {
    return backend.prepare(BiasOp{}, context);
  }

 private:
  BiasOptions options_;
};

}  // namespace

Value bias(Graph& g, std::string name, Value x, const BiasOptions& options) {
  return g.apply(std::move(name), std::make_shared<BiasLayer>(options), {x});
}

}  // namespace hadal

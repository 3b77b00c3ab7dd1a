#include "core/layers/subsample.h"

#include <fmt/format.h>

#include "core/layers/expect.h"

namespace hadal {
namespace {

class SubsampleLayer final : public Layer {
 public:
  explicit SubsampleLayer(const SubsampleOptions& options) : options_(options) {
    if (options.window < 1)
      throw ConfigError(
          fmt::format("subsampling window {}, wanted a positive one", options.window));
  }

  std::string_view type() const override { return "subsample"; }
  std::string describe() const override {
    return fmt::format("{}x{}", options_.window, options_.window);
  }
  Shape output_shape(std::span<const Shape> in) const override {
    expect_rank(in[0], 4, "input", "N x H x W x C");
    const int window = options_.window;
    if (in[0].h() % window != 0 || in[0].w() % window != 0)
      throw ShapeError(fmt::format("input {} cannot be cut into windows of {}x{}",
                                   in[0].to_string(), window, window));
    return {in[0].n(), in[0].h() / window, in[0].w() / window, in[0].c()};
  }
  std::vector<ParameterSpec> parameters(std::span<const Shape> in) const override {
    return {{"coefficient", {in[0].c()}, options_.initializer},
            {"bias", {in[0].c()}, Initializer::constant(0)}};
  }
  BackwardReads backward_reads() const override { return {.inputs = true}; }
  std::unique_ptr<Kernel> prepare(Backend& backend, const KernelContext& context) const override {
    return backend.prepare(SubsampleOp{.window = options_.window}, context);
  }

 private:
  SubsampleOptions options_;
};

}  // namespace

Value subsample(Graph& g, std::string name, Value x, const SubsampleOptions& options) {
  return g.apply(std::move(name), std::make_shared<SubsampleLayer>(options), {x});
}

}  // namespace hadal

#include "core/layers/pad_shortcut.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/layers/expect.h"

namespace hadal {
namespace {

class PadShortcutLayer final : public Layer {
 public:
  explicit PadShortcutLayer(const PadShortcutOp& op) : op_(op) {}

  std::string_view type() const override { return "pad_shortcut"; }
  std::string describe() const override {
    return fmt::format("{}, stride {}, {}, zeros {}", op_.out, op_.stride,
                       op_.subsampling == Subsampling::kPick ? "pick" : "average",
                       op_.channels == ChannelPadding::kEnd ? "at the end" : "split");
  }
  Shape output_shape(std::span<const Shape> in) const override {
    expect_rank(in[0], 4, "input", "N x H x W x C");
    if (in[0].c() > op_.out)
      throw ShapeError(fmt::format("input has {} channels, wanted at most {} (input {})", in[0].c(),
                                   op_.out, in[0].to_string()));
    const auto subsampled = [&](std::int64_t extent) {
      return (extent + op_.stride - 1) / op_.stride;
    };
    return {in[0].n(), subsampled(in[0].h()), subsampled(in[0].w()), op_.out};
  }
  BackwardReads backward_reads() const override { return {}; }
  std::unique_ptr<Kernel> prepare(Backend& backend, const KernelContext& context) const override {
    return backend.prepare(op_, context);
  }

 private:
  PadShortcutOp op_;
};

}  // namespace

Value pad_shortcut(Graph& g, std::string name, Value x, const PadShortcutOp& options) {
  if (options.stride < 1)
    throw ConfigError(fmt::format("{}: stride is {}, wanted 1 or more", name, options.stride));
  return g.apply(std::move(name), std::make_shared<PadShortcutLayer>(options), {x});
}

}  // namespace hadal

#include "core/layers/gather_channels.h"

#include <fmt/format.h>

#include "core/layers/expect.h"

namespace hadal {
namespace {

class GatherChannelsLayer final : public Layer {
 public:
  explicit GatherChannelsLayer(GatherChannelsOp op) : op_(std::move(op)) {}

  std::string_view type() const override { return "gather_channels"; }
  std::string describe() const override { return fmt::format("{}", fmt::join(op_.channels, " ")); }
  Shape output_shape(std::span<const Shape> in) const override {
    expect_channels(in[0], "input");
    for (const int channel : op_.channels)
      if (channel < 0 || channel >= in[0].c())
        throw ShapeError(fmt::format("input {} has no channel {}", in[0].to_string(), channel));
    const auto channels = static_cast<std::int64_t>(op_.channels.size());
    if (in[0].rank() == 2) return {in[0].n(), channels};
    return {in[0].n(), in[0].h(), in[0].w(), channels};
  }
  BackwardReads backward_reads() const override { return {}; }
  std::unique_ptr<Kernel> prepare(Backend& backend, const KernelContext& context) const override {
    return backend.prepare(op_, context);
  }

 private:
  GatherChannelsOp op_;
};

}  // namespace

Value gather_channels(Graph& g, std::string name, Value x, std::vector<int> channels) {
  if (channels.empty()) throw ConfigError(fmt::format("{}: no channels to gather", name));
  return g.apply(std::move(name),
                 std::make_shared<GatherChannelsLayer>(GatherChannelsOp{std::move(channels)}), {x});
}

}  // namespace hadal

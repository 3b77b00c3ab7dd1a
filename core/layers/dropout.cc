#include "core/layers/dropout.h"

#include <fmt/format.h>

#include "core/base/hash.h"

namespace hadal {
namespace {

class DropoutLayer final : public Layer {
 public:
  explicit DropoutLayer(const DropoutOp& op) : op_(op) {}

  std::string_view type() const override { return "dropout"; }
  std::string describe() const override {
    return fmt::format("{}{}", op_.rate, op_.per_sample ? ", per sample" : "");
  }
  Shape output_shape(std::span<const Shape> in) const override { return in[0]; }
  /// Nothing: the mask is drawn again.
  BackwardReads backward_reads() const override { return {}; }
  bool forward_in_place() const override { return true; }
  bool backward_in_place() const override { return true; }
  std::unique_ptr<Kernel> prepare(Backend& backend, const KernelContext& context) const override {
    return backend.prepare(op_, context);
  }

 private:
  DropoutOp op_;
};

}  // namespace

Value dropout(Graph& g, std::string name, Value x, const DropoutOptions& options) {
  if (!(options.rate >= 0 && options.rate < 1))
    throw ConfigError(fmt::format("{}: dropout rate {}, wanted 0 <= rate < 1", name, options.rate));
  const DropoutOp op{.rate = options.rate,
                     .layer_id = static_cast<std::uint32_t>(hash64(name)),
                     .per_sample = options.per_sample};
  return g.apply(std::move(name), std::make_shared<DropoutLayer>(op), {x});
}

}  // namespace hadal

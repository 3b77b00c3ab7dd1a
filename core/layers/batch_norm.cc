#include "core/layers/batch_norm.h"

#include <fmt/format.h>

#include "core/layers/expect.h"

namespace hadal {

BatchNormLayer::BatchNormLayer(const BatchNormOp& op) : op_(op) {
  if (!(op.epsilon > 0))
    throw ConfigError(
        fmt::format("batch normalisation with epsilon {}, wanted a positive one", op.epsilon));
}

std::string BatchNormLayer::describe() const {
  std::string text = op_.affine ? "" : "not affine";
  const auto say = [&](const char* what) {
    text += text.empty() ? what : std::string(", ") + what;
  };
  if (op_.add) say("add");
  if (op_.relu) say("relu");
  return text;
}

Shape BatchNormLayer::output_shape(std::span<const Shape> in) const {
  expect_channels(in[0], "input");
  if (op_.add) expect_same(in[1], "shortcut", in[0], "the normalised branch");
  return in[0];
}

std::vector<ParameterSpec> BatchNormLayer::parameters(std::span<const Shape> in) const {
  if (!op_.affine) return {};
  return {{"gamma", {in[0].c()}, Initializer::constant(1)},
          {"beta", {in[0].c()}, Initializer::constant(0)}};
}

std::vector<RunningSpec> BatchNormLayer::running(std::span<const Shape> in) const {
  return {{"mean", {in[0].c()}, 0.0}, {"variance", {in[0].c()}, 1.0}};
}

std::shared_ptr<const Layer> fused_batch_norm(const BatchNormOp& op) {
  return std::make_shared<BatchNormLayer>(op);
}

Value batch_norm(Graph& g, std::string name, Value x, const BatchNormOptions& options) {
  BatchNormOp op;
  op.epsilon = options.epsilon;
  op.affine = options.affine;
  return g.apply(std::move(name), std::make_shared<BatchNormLayer>(op), {x});
}

}  // namespace hadal

#include "core/layers/activation.h"

#include <fmt/format.h>

#include "core/base/error.h"

namespace hadal {
namespace {

Value activation(Graph& g, std::string name, Value x, const ActivationOp& op) {
  return g.apply(std::move(name), std::make_shared<ActivationLayer>(op), {x});
}

}  // namespace

ActivationLayer::ActivationLayer(const ActivationOp& op) : op_(op) {
  if (!(op.alpha >= 0))
    throw ConfigError(fmt::format("{}: alpha is {}, wanted 0 or more", type(), op.alpha));
}

std::shared_ptr<const ActivationLayer> ActivationLayer::with_relu_rule(ReluRule rule) const {
  HADAL_CHECK(op_.kind == Activation::kRelu);
  ActivationOp op = op_;
  op.relu_rule = rule;
  return std::make_shared<ActivationLayer>(op);
}

std::string_view ActivationLayer::type() const {
  switch (op_.kind) {
    case Activation::kRelu:
      return "relu";
    case Activation::kLeakyRelu:
      return "leaky_relu";
    case Activation::kElu:
      return "elu";
    case Activation::kTanh:
      return "tanh";
    case Activation::kScaledTanh:
      return "scaled_tanh";
    case Activation::kSigmoid:
      return "sigmoid";
  }
  return "";
}

std::string ActivationLayer::describe() const {
  if (op_.kind == Activation::kLeakyRelu) return fmt::format("slope {}", op_.alpha);
  if (op_.kind == Activation::kElu) return fmt::format("alpha {}", op_.alpha);
  if (op_.relu_rule == ReluRule::kDeconvnet) return "deconvnet rule";
  if (op_.relu_rule == ReluRule::kGuided) return "guided rule";
  return {};
}

BackwardReads ActivationLayer::backward_reads() const {
  // The deconvnet rule looks at the gradient alone.
  return {.output = op_.relu_rule != ReluRule::kDeconvnet};
}

std::unique_ptr<Kernel> ActivationLayer::prepare(Backend& backend,
                                                 const KernelContext& context) const {
  return backend.prepare(op_, context);
}

Value relu(Graph& g, std::string name, Value x) {
  return activation(g, std::move(name), x, {.kind = Activation::kRelu});
}

Value leaky_relu(Graph& g, std::string name, Value x, double slope) {
  return activation(g, std::move(name), x, {.kind = Activation::kLeakyRelu, .alpha = slope});
}

Value elu(Graph& g, std::string name, Value x, double alpha) {
  return activation(g, std::move(name), x, {.kind = Activation::kElu, .alpha = alpha});
}

Value tanh(Graph& g, std::string name, Value x) {
  return activation(g, std::move(name), x, {.kind = Activation::kTanh});
}

Value scaled_tanh(Graph& g, std::string name, Value x) {
  return activation(g, std::move(name), x, {.kind = Activation::kScaledTanh});
}

Value sigmoid(Graph& g, std::string name, Value x) {
  return activation(g, std::move(name), x, {.kind = Activation::kSigmoid});
}

}  // namespace hadal

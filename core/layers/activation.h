// Element-wise non-linearities. Every one is differentiated from its output, so that it can work in
// place.
#pragma once

#include <memory>
#include <string>

#include "core/graph.h"

namespace hadal {

/// y = f(x), element by element; x, y: any shape.
///
/// Public because a plan looks inside: it fuses ReLUs into what stands before them and gives them
/// another gradient rule.
class ActivationLayer final : public Layer {
 public:
  /// Throws ConfigError when alpha is negative: the sign of the output would no longer tell the
  /// sign of the input.
  explicit ActivationLayer(const ActivationOp& op);

  const ActivationOp& op() const { return op_; }
  /// The same ReLU with another way of passing gradients back. REQUIRES: op().kind is kRelu.
  std::shared_ptr<const ActivationLayer> with_relu_rule(ReluRule rule) const;

  std::string_view type() const override;
  std::string describe() const override;
  Shape output_shape(std::span<const Shape> in) const override { return in[0]; }
  BackwardReads backward_reads() const override;
  bool forward_in_place() const override { return true; }
  bool backward_in_place() const override { return true; }
  std::unique_ptr<Kernel> prepare(Backend& backend, const KernelContext& context) const override;

 private:
  ActivationOp op_;
};

/// y = max(0, x); the derivative at 0 is 0.
Value relu(Graph& g, std::string name, Value x);

/// y = x > 0 ? x : slope x. Source: Maas et al. 2013 (slope 0.01).
Value leaky_relu(Graph& g, std::string name, Value x, double slope = 0.01);

/// y = x > 0 ? x : alpha (e^x - 1). Source: Clevert et al. 2016 (alpha 1).
Value elu(Graph& g, std::string name, Value x, double alpha = 1.0);

/// y = tanh(x).
Value tanh(Graph& g, std::string name, Value x);

/// y = 1.7159 tanh(2x/3). Source: LeCun et al. 1998, the squashing function of LeNet-5.
Value scaled_tanh(Graph& g, std::string name, Value x);

/// y = 1 / (1 + e^-x).
Value sigmoid(Graph& g, std::string name, Value x);

}  // namespace hadal

#pragma once

#include <string>

#include "core/graph.h"
#include "core/layers/window.h"

namespace hadal {

struct Conv2dOptions {
  int out = 0;                     // maps
  int kernel = 3;                  // extent of the square window
  int kernel_h = 0, kernel_w = 0;  // of one that is not square; 0: kernel
  int stride = 1;
  PaddingOption padding = PaddingRule::kSameHalf;
  int dilation = 1;
  int groups = 1;
  bool bias = false;
  Initializer initializer = Initializer::he_fan_in();
  Initializer bias_initializer = Initializer::constant(0);
  double bias_rate_multiplier = 1.0;   // of the learning rate
  double bias_decay_multiplier = 1.0;  // of the weight decay
};

/// Convolution (cross-correlation), in groups:
///
///   y[n,p,q,o] = b[o] + sum_{i,j,c} w[o,i,j,c] * x[n, p s + i d - top, q s + j d - left, c +
///   c0(o)]
///
/// x: N x H x W x C; x is zero in the padding. y: N x H' x W' x out, H' = floor((H + top + bottom -
/// k_h) / s) + 1 with k_h = (kernel_h - 1) d + 1. Map o sees the C/groups channels from c0(o) =
/// floor(o / (out/groups)) C/groups on. Parameters: weight, out x kernel_h x kernel_w x C/groups;
/// bias, out.
/// Throws ConfigError for options that are not positive or an `out` that groups do not divide,
/// ShapeError unless x has four dimensions, groups divide C and the window fits.
Value conv2d(Graph& g, std::string name, Value x, const Conv2dOptions& options);

class Conv2dLayer final : public Layer {
 public:
  explicit Conv2dLayer(const Conv2dOp& op, const Initializer& weight = Initializer::he_fan_in(),
                       const Initializer& bias = Initializer::constant(0),
                       double bias_rate_multiplier = 1.0, double bias_decay_multiplier = 1.0);

  const Conv2dOp& op() const { return op_; }

  std::string_view type() const override { return "conv2d"; }
  std::string describe() const override;
  Shape output_shape(std::span<const Shape> in) const override;
  std::vector<ParameterSpec> parameters(std::span<const Shape> in) const override;
  BackwardReads backward_reads() const override { return {.inputs = true}; }
  std::int64_t macs(std::span<const Shape> in) const override;
  std::unique_ptr<Kernel> prepare(Backend& backend, const KernelContext& context) const override {
    return backend.prepare(op_, context);
  }

 private:
  Conv2dOp op_;
  Initializer weight_, bias_;
  double bias_rate_multiplier_, bias_decay_multiplier_;
};

}  // namespace hadal

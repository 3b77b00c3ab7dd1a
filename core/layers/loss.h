// What every loss is: two inputs, one number per sample, and a gradient for the first input alone.
#pragma once

#include <memory>

#include "core/backend.h"
#include "core/base/error.h"
#include "core/layer.h"
#include "core/layers/expect.h"

namespace hadal {

template <typename Op>
class LossLayer : public Layer {
 public:
  explicit LossLayer(const Op& op) : op_(op) {}

  Shape output_shape(std::span<const Shape> in) const final {
    HADAL_CHECK(in.size() == 2);
    expect_inputs(in[0], in[1]);
    return {in[0].n()};
  }
  BackwardReads backward_reads() const final { return {.inputs = true}; }
  bool differentiable(int input) const final { return input == 0; }
  std::unique_ptr<Kernel> prepare(Backend& backend, const KernelContext& context) const final {
    return backend.prepare(op_, context);
  }

 protected:
  /// Throws ShapeError unless they fit: scores N x classes and labels N, or what a loss wants
  /// instead.
  virtual void expect_inputs(const Shape& x, const Shape& target) const {
    expect_scores_and_labels(x, target);
  }
  const Op& op() const { return op_; }

 private:
  Op op_;
};

}  // namespace hadal

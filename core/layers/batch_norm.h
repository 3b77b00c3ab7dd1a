#pragma once

#include <memory>
#include <string>

#include "core/graph.h"

namespace hadal {

struct BatchNormOptions {
  double epsilon = 1e-5;
  bool affine = true;
};

/// Batch normalisation per channel:
///
///   y[..., c] = gamma[c] * (x[..., c] - mean[c]) / sqrt(var[c] + epsilon) + beta[c]
///
/// In training mean and var (biased) are those of this batch over N, H and W, and the statistics
/// mean and var (unbiased) are handed to whoever keeps the running ones; at inference they are the
/// running ones, also for gradients. x, y: N x H x W x C or N x C. Parameters (affine): gamma, one
/// at first; beta, zero at first.
/// Throws ConfigError unless epsilon is positive, ShapeError for other shapes.
/// Source: Ioffe & Szegedy 2015, algorithms 1 and 2.
Value batch_norm(Graph& g, std::string name, Value x, const BatchNormOptions& options = {});

/// The forms of BatchNormOp that do an addition and a ReLU in the same pass, for plans to put in
/// place of the nodes they fuse. Two inputs when op.add: x and the shortcut.
std::shared_ptr<const Layer> fused_batch_norm(const BatchNormOp& op);

class BatchNormLayer final : public Layer {
 public:
  explicit BatchNormLayer(const BatchNormOp& op);

  const BatchNormOp& op() const { return op_; }

  std::string_view type() const override { return "batch_norm"; }
  std::string describe() const override;
  Shape output_shape(std::span<const Shape> in) const override;
  std::vector<ParameterSpec> parameters(std::span<const Shape> in) const override;
  std::vector<RunningSpec> running(std::span<const Shape> in) const override;
  /// The output tells where the ReLU was open.
  BackwardReads backward_reads() const override { return {.inputs = true, .output = op_.relu}; }
  bool forward_in_place() const override { return true; }
  bool backward_in_place() const override { return true; }
  int in_place_gradient() const override { return op_.add ? 1 : 0; }
  std::unique_ptr<Kernel> prepare(Backend& backend, const KernelContext& context) const override {
    return backend.prepare(op_, context);
  }

 private:
  BatchNormOp op_;
};

}  // namespace hadal

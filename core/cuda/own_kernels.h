// A backend of our own kernels: everything but convolutions and matrix products, which CUDA's
// libraries do. Where the kernels were compiled for the host (tests), its memory is the host's.
#pragma once

#include "core/backend.h"
#include "core/cuda/queue.h"

namespace hadal::cuda {

class OwnKernels : public Backend {
 public:
  explicit OwnKernels(const Queue& queue) : queue_(queue) {}

  Layout preferred_layout(const Shape&, DType) const override { return Layout::kNhwc; }

  using Backend::prepare;
  KernelPtr prepare(const FoldedConv2dOp& op, const KernelContext& context) override;
  KernelPtr prepare(const BiasOp& op, const KernelContext& context) override;
  KernelPtr prepare(const BatchNormOp& op, const KernelContext& context) override;
  KernelPtr prepare(const LrnOp& op, const KernelContext& context) override;
  KernelPtr prepare(const ActivationOp& op, const KernelContext& context) override;
  KernelPtr prepare(const PoolOp& op, const KernelContext& context) override;
  KernelPtr prepare(const DropoutOp& op, const KernelContext& context) override;
  KernelPtr prepare(const AddOp& op, const KernelContext& context) override;
  KernelPtr prepare(const MeanJoinOp& op, const KernelContext& context) override;
  KernelPtr prepare(const ConcatOp& op, const KernelContext& context) override;
  KernelPtr prepare(const GatherChannelsOp& op, const KernelContext& context) override;
  KernelPtr prepare(const PadShortcutOp& op, const KernelContext& context) override;
  KernelPtr prepare(const FlattenOp& op, const KernelContext& context) override;
  KernelPtr prepare(const SoftmaxCrossEntropyOp& op, const KernelContext& context) override;
  KernelPtr prepare(const SoftmaxOp& op, const KernelContext& context) override;
  KernelPtr prepare(const SubsampleOp& op, const KernelContext& context) override;
  KernelPtr prepare(const RbfOp& op, const KernelContext& context) override;
  KernelPtr prepare(const RbfLossOp& op, const KernelContext& context) override;
  KernelPtr prepare(const MeanSquaredErrorOp& op, const KernelContext& context) override;
  KernelPtr prepare(const SquaredHingeOp& op, const KernelContext& context) override;

  void add_to(const TensorView& x, const TensorView& y) override;
  void divide(const TensorView& y, float divisor) override;
  void move_towards(const TensorView& x, float rate, const TensorView& y) override;
  void gather_images(const data::ImageGather& gather) override;
  std::unique_ptr<Optimizer> optimizer(Parameters& parameters,
                                       const OptimizerOptions& options) override;

 protected:
  const Queue& queue() const { return queue_; }

 private:
  Queue queue_;
};

/// Throws ConfigError unless all floating-point values are float32.
void require_float32(const KernelContext& context);

}  // namespace hadal::cuda

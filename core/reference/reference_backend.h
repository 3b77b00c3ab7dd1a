// Plain loops in float and double: the judge of every other backend. Written to be read against the
// formulas in core/layers, not to be fast.
#pragma once

#include "core/backend.h"

namespace hadal {

class ReferenceBackend final : public Backend {
 public:
  std::string_view name() const override { return "reference"; }
  Layout preferred_layout(const Shape&, DType) const override { return Layout::kNhwc; }

  using Backend::prepare;
  KernelPtr prepare(const Conv2dOp& op, const KernelContext& context) override;
  KernelPtr prepare(const LinearOp& op, const KernelContext& context) override;
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
};

}  // namespace hadal

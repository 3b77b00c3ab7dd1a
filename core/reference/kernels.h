// One factory per operation, each in the file that carries its name. float32 and float64 contexts.
#pragma once

#include <memory>

#include "core/backend.h"

namespace hadal::reference {

using KernelPtr = std::unique_ptr<Kernel>;

KernelPtr make_kernel(const Conv2dOp& op, const KernelContext& context);
KernelPtr make_kernel(const LinearOp& op, const KernelContext& context);
KernelPtr make_kernel(const BiasOp& op, const KernelContext& context);
KernelPtr make_kernel(const BatchNormOp& op, const KernelContext& context);
KernelPtr make_kernel(const LrnOp& op, const KernelContext& context);
KernelPtr make_kernel(const ActivationOp& op, const KernelContext& context);
KernelPtr make_kernel(const PoolOp& op, const KernelContext& context);
KernelPtr make_kernel(const DropoutOp& op, const KernelContext& context);
KernelPtr make_kernel(const AddOp& op, const KernelContext& context);
KernelPtr make_kernel(const MeanJoinOp& op, const KernelContext& context);
KernelPtr make_kernel(const ConcatOp& op, const KernelContext& context);
KernelPtr make_kernel(const GatherChannelsOp& op, const KernelContext& context);
KernelPtr make_kernel(const PadShortcutOp& op, const KernelContext& context);
KernelPtr make_kernel(const FlattenOp& op, const KernelContext& context);
KernelPtr make_kernel(const SoftmaxCrossEntropyOp& op, const KernelContext& context);
KernelPtr make_kernel(const SoftmaxOp& op, const KernelContext& context);
KernelPtr make_kernel(const SubsampleOp& op, const KernelContext& context);
KernelPtr make_kernel(const RbfOp& op, const KernelContext& context);
KernelPtr make_kernel(const RbfLossOp& op, const KernelContext& context);
KernelPtr make_kernel(const MeanSquaredErrorOp& op, const KernelContext& context);
KernelPtr make_kernel(const SquaredHingeOp& op, const KernelContext& context);

/// The kernel template for the context's type: make_for_type<ConvKernel>(context, op, context).
template <template <typename> class KernelOf, typename... Args>
KernelPtr make_for_type(DType type, const Args&... args) {
  if (type == DType::kFloat64) return std::make_unique<KernelOf<double>>(args...);
  HADAL_CHECK(type == DType::kFloat32);
  return std::make_unique<KernelOf<float>>(args...);
}

}  // namespace hadal::reference

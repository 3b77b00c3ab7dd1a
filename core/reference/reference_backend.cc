#include "core/reference/reference_backend.h"

#include "core/reference/kernels.h"

namespace hadal {

Backend::KernelPtr ReferenceBackend::prepare(const Conv2dOp& op, const KernelContext& context) {
  return reference::make_kernel(op, context);
}
Backend::KernelPtr ReferenceBackend::prepare(const LinearOp& op, const KernelContext& context) {
  return reference::make_kernel(op, context);
}
Backend::KernelPtr ReferenceBackend::prepare(const BiasOp& op, const KernelContext& context) {
  return reference::make_kernel(op, context);
}
Backend::KernelPtr ReferenceBackend::prepare(const BatchNormOp& op, const KernelContext& context) {
  return reference::make_kernel(op, context);
}
Backend::KernelPtr ReferenceBackend::prepare(const LrnOp& op, const KernelContext& context) {
  return reference::make_kernel(op, context);
}
Backend::KernelPtr ReferenceBackend::prepare(const ActivationOp& op, const KernelContext& context) {
  return reference::make_kernel(op, context);
}
Backend::KernelPtr ReferenceBackend::prepare(const PoolOp& op, const KernelContext& context) {
  return reference::make_kernel(op, context);
}
Backend::KernelPtr ReferenceBackend::prepare(const DropoutOp& op, const KernelContext& context) {
  return reference::make_kernel(op, context);
}
Backend::KernelPtr ReferenceBackend::prepare(const AddOp& op, const KernelContext& context) {
  return reference::make_kernel(op, context);
}
Backend::KernelPtr ReferenceBackend::prepare(const MeanJoinOp& op, const KernelContext& context) {
  return reference::make_kernel(op, context);
}
Backend::KernelPtr ReferenceBackend::prepare(const ConcatOp& op, const KernelContext& context) {
  return reference::make_kernel(op, context);
}
Backend::KernelPtr ReferenceBackend::prepare(const GatherChannelsOp& op,
                                             const KernelContext& context) {
  return reference::make_kernel(op, context);
}
Backend::KernelPtr ReferenceBackend::prepare(const PadShortcutOp& op,
                                             const KernelContext& context) {
  return reference::make_kernel(op, context);
}
Backend::KernelPtr ReferenceBackend::prepare(const FlattenOp& op, const KernelContext& context) {
  return reference::make_kernel(op, context);
}
Backend::KernelPtr ReferenceBackend::prepare(const SoftmaxCrossEntropyOp& op,
                                             const KernelContext& context) {
  return reference::make_kernel(op, context);
}
Backend::KernelPtr ReferenceBackend::prepare(const SoftmaxOp& op, const KernelContext& context) {
  return reference::make_kernel(op, context);
}
Backend::KernelPtr ReferenceBackend::prepare(const SubsampleOp& op, const KernelContext& context) {
  return reference::make_kernel(op, context);
}
Backend::KernelPtr ReferenceBackend::prepare(const RbfOp& op, const KernelContext& context) {
  return reference::make_kernel(op, context);
}
Backend::KernelPtr ReferenceBackend::prepare(const RbfLossOp& op, const KernelContext& context) {
  return reference::make_kernel(op, context);
}
Backend::KernelPtr ReferenceBackend::prepare(const MeanSquaredErrorOp& op,
                                             const KernelContext& context) {
  return reference::make_kernel(op, context);
}
Backend::KernelPtr ReferenceBackend::prepare(const SquaredHingeOp& op,
                                             const KernelContext& context) {
  return reference::make_kernel(op, context);
}

void ReferenceBackend::add_to(const TensorView& x, const TensorView& y) {
  const auto add = [&]<typename T>(const T* from, T* to) {
    for (std::int64_t i = 0; i < y.shape.elements(); ++i) to[i] += from[i];
  };
  HADAL_CHECK(x.shape == y.shape && x.type == y.type && x.layout == y.layout);
  if (x.type == DType::kFloat64) return add(x.as<double>(), y.as<double>());
  add(x.as<float>(), y.as<float>());
}

}  // namespace hadal

#include "core/cuda/own_kernels.h"

#include "core/cuda/kernels.h"
#include "core/optim/optimizer.h"
#include "core/params.h"

namespace hadal::cuda {

void require_float32(const KernelContext& context) {
  if (context.out.type == DType::kFloat64)
    throw ConfigError(context.name + ": float64 is not computed on this device, only float32");
}

Backend::KernelPtr OwnKernels::prepare(const FoldedConv2dOp& op, const KernelContext& context) {
  require_float32(context);
  Conv2dOp with_bias = op.convolution;
  with_bias.bias = true;
  return make_folded(op, context, prepare(with_bias, context), queue_);
}
Backend::KernelPtr OwnKernels::prepare(const BiasOp&, const KernelContext& context) {
  require_float32(context);
  return make_bias(context, queue_);
}
Backend::KernelPtr OwnKernels::prepare(const BatchNormOp& op, const KernelContext& context) {
  require_float32(context);
  return make_batch_norm(op, context, queue_);
}
Backend::KernelPtr OwnKernels::prepare(const LrnOp& op, const KernelContext& context) {
  require_float32(context);
  return make_lrn(op, context, queue_);
}
Backend::KernelPtr OwnKernels::prepare(const ActivationOp& op, const KernelContext& context) {
  require_float32(context);
  return make_activation(op, context, queue_);
}
Backend::KernelPtr OwnKernels::prepare(const PoolOp& op, const KernelContext& context) {
  require_float32(context);
  return make_pool(op, context, queue_);
}
Backend::KernelPtr OwnKernels::prepare(const DropoutOp& op, const KernelContext& context) {
  require_float32(context);
  return make_dropout(op, context, queue_);
}
Backend::KernelPtr OwnKernels::prepare(const AddOp& op, const KernelContext& context) {
  require_float32(context);
  return make_add(op, context, queue_);
}
Backend::KernelPtr OwnKernels::prepare(const MeanJoinOp&, const KernelContext& context) {
  require_float32(context);
  return make_mean_join(context, queue_);
}
Backend::KernelPtr OwnKernels::prepare(const ConcatOp&, const KernelContext& context) {
  require_float32(context);
  return make_concat(context, queue_);
}
Backend::KernelPtr OwnKernels::prepare(const GatherChannelsOp& op, const KernelContext& context) {
  require_float32(context);
  return make_gather_channels(op, context, queue_);
}
Backend::KernelPtr OwnKernels::prepare(const PadShortcutOp& op, const KernelContext& context) {
  require_float32(context);
  return make_pad_shortcut(op, context, queue_);
}
Backend::KernelPtr OwnKernels::prepare(const FlattenOp&, const KernelContext& context) {
  require_float32(context);
  return make_flatten(context, queue_);
}
Backend::KernelPtr OwnKernels::prepare(const SoftmaxCrossEntropyOp& op,
                                       const KernelContext& context) {
  require_float32(context);
  return make_softmax_cross_entropy(op, context, queue_);
}
Backend::KernelPtr OwnKernels::prepare(const SoftmaxOp&, const KernelContext& context) {
  require_float32(context);
  return make_softmax(context, queue_);
}
Backend::KernelPtr OwnKernels::prepare(const SubsampleOp& op, const KernelContext& context) {
  require_float32(context);
  return make_subsample(op, context, queue_);
}
Backend::KernelPtr OwnKernels::prepare(const RbfOp& op, const KernelContext& context) {
  require_float32(context);
  return make_rbf(op, context, queue_);
}
Backend::KernelPtr OwnKernels::prepare(const RbfLossOp& op, const KernelContext& context) {
  require_float32(context);
  return make_rbf_loss(op, context, queue_);
}
Backend::KernelPtr OwnKernels::prepare(const MeanSquaredErrorOp& op, const KernelContext& context) {
  require_float32(context);
  return make_mean_squared_error(op, context, queue_);
}
Backend::KernelPtr OwnKernels::prepare(const SquaredHingeOp& op, const KernelContext& context) {
  require_float32(context);
  return make_squared_hinge(op, context, queue_);
}

void OwnKernels::add_to(const TensorView& x, const TensorView& y) {
  HADAL_CHECK(x.shape == y.shape && x.layout == y.layout);
  cuda::add_to(x.as<float>(), y.as<float>(), y.shape.elements(), queue_);
}

void OwnKernels::divide(const TensorView& y, float divisor) {
  cuda::divide(y.as<float>(), divisor, y.shape.elements(), queue_);
}

void OwnKernels::move_towards(const TensorView& x, float rate, const TensorView& y) {
  HADAL_CHECK(x.shape == y.shape);
  cuda::move_towards(x.as<float>(), rate, y.as<float>(), y.shape.elements(), queue_);
}

void OwnKernels::gather_images(const data::ImageGather& gather) {
  cuda::gather_images(gather, queue_);
}

std::unique_ptr<Optimizer> OwnKernels::optimizer(Parameters& parameters,
                                                 const OptimizerOptions& options) {
  if (parameters.type() != DType::kFloat32)
    throw ConfigError("optimizer: float64 is not computed on this device, only float32");
  return make_flat_optimizer(parameters, options, queue_);
}

}  // namespace hadal::cuda

// One factory per operation with a kernel of our own. float32 and NHWC; all memory on one device
// (or, compiled for the host, in its memory).
#pragma once

#include <memory>

#include "core/backend.h"
#include "core/cuda/convolution_form.h"
#include "core/cuda/queue.h"

namespace hadal::cuda {

using KernelPtr = std::unique_ptr<Kernel>;

// elementwise.cu
KernelPtr make_activation(const ActivationOp& op, const KernelContext& context, const Queue& queue);
KernelPtr make_add(const AddOp& op, const KernelContext& context, const Queue& queue);
KernelPtr make_mean_join(const KernelContext& context, const Queue& queue);
KernelPtr make_bias(const KernelContext& context, const Queue& queue);
KernelPtr make_dropout(const DropoutOp& op, const KernelContext& context, const Queue& queue);

// channels.cu
KernelPtr make_concat(const KernelContext& context, const Queue& queue);
KernelPtr make_gather_channels(const GatherChannelsOp& op, const KernelContext& context,
                               const Queue& queue);
KernelPtr make_flatten(const KernelContext& context, const Queue& queue);
KernelPtr make_pad_shortcut(const PadShortcutOp& op, const KernelContext& context,
                            const Queue& queue);
KernelPtr make_lrn(const LrnOp& op, const KernelContext& context, const Queue& queue);

// batch_norm.cu
KernelPtr make_batch_norm(const BatchNormOp& op, const KernelContext& context, const Queue& queue);

// pool.cu
KernelPtr make_pool(const PoolOp& op, const KernelContext& context, const Queue& queue);
KernelPtr make_subsample(const SubsampleOp& op, const KernelContext& context, const Queue& queue);

// losses.cu
KernelPtr make_softmax(const KernelContext& context, const Queue& queue);
KernelPtr make_softmax_cross_entropy(const SoftmaxCrossEntropyOp& op, const KernelContext& context,
                                     const Queue& queue);
KernelPtr make_rbf(const RbfOp& op, const KernelContext& context, const Queue& queue);
KernelPtr make_rbf_loss(const RbfLossOp& op, const KernelContext& context, const Queue& queue);
KernelPtr make_mean_squared_error(const MeanSquaredErrorOp& op, const KernelContext& context,
                                  const Queue& queue);
KernelPtr make_squared_hinge(const SquaredHingeOp& op, const KernelContext& context,
                             const Queue& queue);

// flat.cu
/// The convolution's weights and bias with the normalisation folded in, then `inner`, which is
/// prepared for them.
KernelPtr make_folded(const FoldedConv2dOp& op, const KernelContext& context, KernelPtr inner,
                      const Queue& queue);
void add_to(const float* x, float* y, std::int64_t count, const Queue& queue);
void divide(float* y, float divisor, std::int64_t count, const Queue& queue);
void move_towards(const float* x, float rate, float* y, std::int64_t count, const Queue& queue);
/// y[r, c] += bias[c].
void add_bias(const float* bias, float* y, std::int64_t rows, std::int64_t columns,
              const Queue& queue);
/// sums[c] = sum over rows of x[r, c]; `workspace` as bias_sums_workspace() says.
void bias_sums(const float* x, float* sums, std::int64_t rows, std::int64_t columns,
               std::byte* workspace, const Queue& queue);
std::size_t bias_sums_workspace(std::int64_t rows, std::int64_t columns);

// image_gather.cu
void gather_images(const data::ImageGather& gather, const Queue& queue);

// plain_convolution.cu
KernelPtr make_plain_convolution(const ConvolutionForm& form, const Queue& queue);

// optimizer.cu
std::unique_ptr<Optimizer> make_flat_optimizer(Parameters& parameters,
                                               const OptimizerOptions& options, const Queue& queue);

}  // namespace hadal::cuda

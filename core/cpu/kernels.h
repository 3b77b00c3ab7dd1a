// One factory per operation with a kernel of its own, each in the file that carries its name. What
// is not here runs the reference kernel through in_nhwc(). float32 only.
#pragma once

#include <memory>

#include "core/backend.h"
#include "core/cpu/dnnl_api.h"

namespace hadal::cpu {

using KernelPtr = std::unique_ptr<Kernel>;

/// oneDNN's direct convolution, any shape and layout.
KernelPtr make_convolution(const Conv2dOp& op, const KernelContext& context, DnnlEngine& dnnl);

/// Whether Winograd's algorithm applies to this convolution, and with fewer operations.
bool winograd_pays(const Conv2dOp& op, const KernelContext& context);
KernelPtr make_winograd_convolution(const Conv2dOp& op, const KernelContext& context);

KernelPtr make_linear(const LinearOp& op, const KernelContext& context);

/// For NHWC, on any machine.
KernelPtr make_plain_batch_norm(const BatchNormOp& op, const KernelContext& context);

// These need AVX-512, and all values in one order: NHWC or nChw16c.

KernelPtr make_batch_norm(const BatchNormOp& op, const KernelContext& context);
KernelPtr make_add(const AddOp& op, const KernelContext& context);
KernelPtr make_mean_join(const KernelContext& context);
KernelPtr make_dropout(const DropoutOp& op, const KernelContext& context);
KernelPtr make_pool(const PoolOp& op, const KernelContext& context);

/// kRelu and kLeakyRelu.
bool is_relu(const ActivationOp& op);
KernelPtr make_relu(const ActivationOp& op, const KernelContext& context);

/// Whether all values are in blocks and the added channels are whole blocks.
bool pads_whole_blocks(const PadShortcutOp& op, const KernelContext& context);
KernelPtr make_pad_shortcut(const PadShortcutOp& op, const KernelContext& context);

}  // namespace hadal::cpu

#include "core/cpu/cpu_backend.h"

#include <algorithm>

#include "core/cpu/elementwise.h"
#include "core/cpu/kernels.h"
#include "core/cpu/layout.h"
#include "core/cpu/reference_adapter.h"

namespace hadal {
namespace {

bool is_float(const KernelContext& context) { return context.out.type == DType::kFloat32; }

// All values kept in nChw16c, or all in NHWC.
bool in_one_order(const KernelContext& context) {
  const auto all = [&](bool (*ordered)(const TensorView&)) {
    return ordered(context.out) && std::all_of(context.in.begin(), context.in.end(), ordered);
  };
  return all(cpu::is_blocked) || all(cpu::is_nhwc);
}

// oneDNN 2.6 with AVX2 gives wrong gradients of the weights here: its copy of every second pixel
// takes eight channels where there are less.
bool strided_1x1_of_broken_vectors(const Conv2dOp& op, const KernelContext& context) {
  constexpr std::int64_t kChannels = 8;
  return op.kernel_h == 1 && op.kernel_w == 1 && (op.stride_h > 1 || op.stride_w > 1) &&
         context.in[0].shape.c() % kChannels != 0;
}

bool machine_has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("bmi2");
}

}  // namespace

CpuBackend::CpuBackend(const CpuOptions& options) : options_(options) {
  options_.avx512 = options.avx512 && machine_has_avx512();
}

Layout CpuBackend::preferred_layout(const Shape& shape, DType type) const {
  const bool blocks = options_.avx512 && type == DType::kFloat32 && shape.rank() == 4 &&
                      shape.c() % cpu::kBlock == 0;
  return blocks ? Layout::kNChw16c : Layout::kNhwc;
}

bool CpuBackend::vectorizes(const KernelContext& context) const {
  return options_.avx512 && is_float(context) && in_one_order(context);
}

template <typename Op>
Backend::KernelPtr CpuBackend::reference(const Op& op, const KernelContext& context) {
  return cpu::in_nhwc(context,
                      [&](const KernelContext& nhwc) { return reference_.prepare(op, nhwc); });
}

Backend::KernelPtr CpuBackend::prepare(const Conv2dOp& op, const KernelContext& context) {
  if (!is_float(context)) return reference(op, context);
  if (options_.avx512 && options_.winograd && cpu::winograd_pays(op, context))
    return cpu::make_winograd_convolution(op, context);
  if (!options_.avx512 && strided_1x1_of_broken_vectors(op, context)) return reference(op, context);
  return cpu::make_convolution(op, context, dnnl_);
}

Backend::KernelPtr CpuBackend::prepare(const LinearOp& op, const KernelContext& context) {
  if (!is_float(context)) return reference(op, context);
  return cpu::make_linear(op, context);
}

Backend::KernelPtr CpuBackend::prepare(const BiasOp& op, const KernelContext& context) {
  return reference(op, context);
}

Backend::KernelPtr CpuBackend::prepare(const BatchNormOp& op, const KernelContext& context) {
  if (vectorizes(context)) return cpu::make_batch_norm(op, context);
  if (!is_float(context)) return reference(op, context);
  return cpu::in_nhwc(
      context, [&](const KernelContext& nhwc) { return cpu::make_plain_batch_norm(op, nhwc); });
}

Backend::KernelPtr CpuBackend::prepare(const LrnOp& op, const KernelContext& context) {
  return reference(op, context);
}

Backend::KernelPtr CpuBackend::prepare(const ActivationOp& op, const KernelContext& context) {
  if (vectorizes(context) && cpu::is_relu(op)) return cpu::make_relu(op, context);
  return reference(op, context);
}

Backend::KernelPtr CpuBackend::prepare(const PoolOp& op, const KernelContext& context) {
  if (vectorizes(context)) return cpu::make_pool(op, context);
  return reference(op, context);
}

Backend::KernelPtr CpuBackend::prepare(const DropoutOp& op, const KernelContext& context) {
  if (vectorizes(context)) return cpu::make_dropout(op, context);
  return reference(op, context);
}

Backend::KernelPtr CpuBackend::prepare(const AddOp& op, const KernelContext& context) {
  if (vectorizes(context)) return cpu::make_add(op, context);
  return reference(op, context);
}

Backend::KernelPtr CpuBackend::prepare(const MeanJoinOp& op, const KernelContext& context) {
  if (vectorizes(context)) return cpu::make_mean_join(context);
  return reference(op, context);
}

Backend::KernelPtr CpuBackend::prepare(const ConcatOp& op, const KernelContext& context) {
  return reference(op, context);
}

Backend::KernelPtr CpuBackend::prepare(const PadShortcutOp& op, const KernelContext& context) {
  if (vectorizes(context) && cpu::pads_whole_blocks(op, context))
    return cpu::make_pad_shortcut(op, context);
  return reference(op, context);
}

Backend::KernelPtr CpuBackend::prepare(const FlattenOp& op, const KernelContext& context) {
  return reference(op, context);
}

Backend::KernelPtr CpuBackend::prepare(const SoftmaxCrossEntropyOp& op,
                                       const KernelContext& context) {
  return reference(op, context);
}

Backend::KernelPtr CpuBackend::prepare(const SoftmaxOp& op, const KernelContext& context) {
  return reference(op, context);
}

Backend::KernelPtr CpuBackend::prepare(const SubsampleOp& op, const KernelContext& context) {
  return reference(op, context);
}

Backend::KernelPtr CpuBackend::prepare(const RbfOp& op, const KernelContext& context) {
  return reference(op, context);
}

Backend::KernelPtr CpuBackend::prepare(const RbfLossOp& op, const KernelContext& context) {
  return reference(op, context);
}

Backend::KernelPtr CpuBackend::prepare(const MeanSquaredErrorOp& op, const KernelContext& context) {
  return reference(op, context);
}

Backend::KernelPtr CpuBackend::prepare(const SquaredHingeOp& op, const KernelContext& context) {
  return reference(op, context);
}

Backend::KernelPtr CpuBackend::prepare(const GatherChannelsOp& op, const KernelContext& context) {
  return reference(op, context);
}

void CpuBackend::add_to(const TensorView& x, const TensorView& y) {
  if (!options_.avx512 || x.type != DType::kFloat32) return reference_.add_to(x, y);
  HADAL_CHECK(x.shape == y.shape && x.layout == y.layout);
  cpu::scale_into(x.as<float>(), 1.0f, true, y.as<float>(), x.shape.elements());
}

}  // namespace hadal

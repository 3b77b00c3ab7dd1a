// The CPU backend: oneDNN, BLAS and kernels of our own, all in float32. Values whose channels are a
// multiple of 16 are kept as nChw16c where the machine has AVX-512; everything else, float64
// included, is NHWC. What has no fast kernel runs the reference one.
//
// Which algorithm runs is a function of shapes and of the instruction set alone, never of timing:
// every rank and every run computes the same bits. One compute thread per process.
#pragma once

#include "core/backend.h"
#include "core/cpu/dnnl_api.h"
#include "core/reference/reference_backend.h"

namespace hadal {

struct CpuOptions {
  bool winograd = true;  // F(4x4, 3x3) where it is faster; off: direct convolutions everywhere
  bool avx512 = true;    // off: as on a machine without it
};

class CpuBackend final : public Backend {
 public:
  explicit CpuBackend(const CpuOptions& options = {});

  std::string_view name() const override { return "cpu"; }
  Layout preferred_layout(const Shape& shape, DType type) const override;

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
  KernelPtr prepare(const PadShortcutOp& op, const KernelContext& context) override;
  KernelPtr prepare(const FlattenOp& op, const KernelContext& context) override;
  KernelPtr prepare(const SoftmaxCrossEntropyOp& op, const KernelContext& context) override;
  KernelPtr prepare(const SoftmaxOp& op, const KernelContext& context) override;
  KernelPtr prepare(const SubsampleOp& op, const KernelContext& context) override;
  KernelPtr prepare(const RbfOp& op, const KernelContext& context) override;
  KernelPtr prepare(const RbfLossOp& op, const KernelContext& context) override;
  KernelPtr prepare(const MeanSquaredErrorOp& op, const KernelContext& context) override;
  KernelPtr prepare(const SquaredHingeOp& op, const KernelContext& context) override;
  KernelPtr prepare(const GatherChannelsOp& op, const KernelContext& context) override;

  void add_to(const TensorView& x, const TensorView& y) override;

 private:
  bool vectorizes(const KernelContext& context) const;
  template <typename Op>
  KernelPtr reference(const Op& op, const KernelContext& context);

  CpuOptions options_;
  cpu::DnnlEngine dnnl_;
  ReferenceBackend reference_;
};

}  // namespace hadal

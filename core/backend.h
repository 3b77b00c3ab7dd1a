// What a device can do. A backend turns operations into prepared kernels; reference/ says what each
// must compute and judges the others.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/kernel.h"
#include "core/ops.h"

namespace hadal {

class Optimizer;
class Parameters;
struct OptimizerOptions;
namespace data {
struct ImageGather;
}

/// The fixed facts a kernel is prepared for.
struct KernelContext {
  std::vector<TensorView> in;  // shapes, types and layouts; data is null
  TensorView out;
  bool training = true;
  std::vector<bool> wants_d_in;     // per input: backward must produce d_in
  bool wants_d_parameters = false;  // backward must produce d_parameters
  std::string name;                 // of the node, for messages
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;
  /// Where all that its kernels touch must lie: parameters, values, workspaces. Null: in the host's
  /// memory.
  virtual Device* device() { return nullptr; }

  /// The order in which this backend wants a value of this shape kept between kernels.
  virtual Layout preferred_layout(const Shape& shape, DType type) const = 0;

  using KernelPtr = std::unique_ptr<Kernel>;
  virtual KernelPtr prepare(const Conv2dOp& op, const KernelContext& context) = 0;
  virtual KernelPtr prepare(const FoldedConv2dOp& op, const KernelContext& context);
  virtual KernelPtr prepare(const LinearOp& op, const KernelContext& context) = 0;
  virtual KernelPtr prepare(const BiasOp& op, const KernelContext& context) = 0;
  virtual KernelPtr prepare(const BatchNormOp& op, const KernelContext& context) = 0;
  virtual KernelPtr prepare(const LrnOp& op, const KernelContext& context) = 0;
  virtual KernelPtr prepare(const ActivationOp& op, const KernelContext& context) = 0;
  virtual KernelPtr prepare(const PoolOp& op, const KernelContext& context) = 0;
  virtual KernelPtr prepare(const DropoutOp& op, const KernelContext& context) = 0;
  virtual KernelPtr prepare(const AddOp& op, const KernelContext& context) = 0;
  virtual KernelPtr prepare(const MeanJoinOp& op, const KernelContext& context) = 0;
  virtual KernelPtr prepare(const ConcatOp& op, const KernelContext& context) = 0;
  virtual KernelPtr prepare(const GatherChannelsOp& op, const KernelContext& context) = 0;
  virtual KernelPtr prepare(const PadShortcutOp& op, const KernelContext& context) = 0;
  virtual KernelPtr prepare(const FlattenOp& op, const KernelContext& context) = 0;
  virtual KernelPtr prepare(const SoftmaxCrossEntropyOp& op, const KernelContext& context) = 0;
  virtual KernelPtr prepare(const SoftmaxOp& op, const KernelContext& context) = 0;
  virtual KernelPtr prepare(const SubsampleOp& op, const KernelContext& context) = 0;
  virtual KernelPtr prepare(const RbfOp& op, const KernelContext& context) = 0;
  virtual KernelPtr prepare(const RbfLossOp& op, const KernelContext& context) = 0;
  virtual KernelPtr prepare(const MeanSquaredErrorOp& op, const KernelContext& context) = 0;
  virtual KernelPtr prepare(const SquaredHingeOp& op, const KernelContext& context) = 0;

  /// y += x, element by element; same shape, type and layout.
  virtual void add_to(const TensorView& x, const TensorView& y) = 0;
  /// y /= divisor, element by element; float32.
  virtual void divide(const TensorView& y, float divisor);
  /// y += rate (x - y), element by element; float32.
  virtual void move_towards(const TensorView& x, float rate, const TensorView& y);
  /// Makes the images of a batch; the formula is with data::ImageGather.
  virtual void gather_images(const data::ImageGather& gather);
  /// An optimizer that keeps its state beside these parameters and steps where they lie. Throws
  /// ConfigError as make_optimizer does.
  virtual std::unique_ptr<Optimizer> optimizer(Parameters& parameters,
                                               const OptimizerOptions& options);
};

}  // namespace hadal

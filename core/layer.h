// A layer is immutable meaning: shapes, parameters, what backward reads. It knows no device;
// prepare() asks a backend.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/backend.h"
#include "core/initializer.h"

namespace hadal {

struct ParameterSpec {
  std::string name;  // "weight"; the full name is node + "." + this
  Shape shape;
  Initializer initializer;
  double decay_multiplier = 1.0;  // of the weight decay
  double rate_multiplier = 1.0;   // of the learning rate
  bool trainable = true;
};

/// A running statistic kept beside the parameters: BN's mean and variance.
struct RunningSpec {
  std::string name;
  Shape shape;
  double initial_value = 0.0;
};

/// Which forward values backward reads, so that the planner knows what must stay.
struct BackwardReads {
  bool inputs = false;
  bool output = false;
};

class Layer {
 public:
  virtual ~Layer() = default;

  /// "conv2d", "batch_norm".
  virtual std::string_view type() const = 0;
  /// The options that make this layer what it is: "16, 3x3, stride 2".
  virtual std::string describe() const { return {}; }

  /// Throws ShapeError saying what was found and what was wanted; the graph puts the node's name
  /// before it.
  virtual Shape output_shape(std::span<const Shape> in) const = 0;
  virtual DType output_type(std::span<const DType> in) const { return in[0]; }
  virtual std::vector<ParameterSpec> parameters(std::span<const Shape> /*in*/) const { return {}; }
  virtual std::vector<RunningSpec> running(std::span<const Shape> /*in*/) const { return {}; }

  virtual BackwardReads backward_reads() const = 0;
  /// The output may overwrite input 0 when nothing else reads it afterwards.
  virtual bool forward_in_place() const { return false; }
  /// d_in[in_place_gradient()] may overwrite d_out.
  virtual bool backward_in_place() const { return false; }
  virtual int in_place_gradient() const { return 0; }
  /// False for inputs through which no gradient flows (labels).
  virtual bool differentiable(int /*input*/) const { return true; }

  /// Multiply-adds of one forward pass (convolutions and matrix products only), for the shapes
  /// given.
  virtual std::int64_t macs(std::span<const Shape> /*in*/) const { return 0; }

  virtual std::unique_ptr<Kernel> prepare(Backend& backend, const KernelContext& context) const = 0;
};

}  // namespace hadal

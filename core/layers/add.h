#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/graph.h"

namespace hadal {

/// y = shortcut + scale * branch. Public because a plan looks inside: it fuses BN + add + ReLU, and
/// at inference weighs the branch with the survival probability of its gate.
class AddLayer final : public Layer {
 public:
  explicit AddLayer(const AddOp& op = {}) : op_(op) {}

  const AddOp& op() const { return op_; }
  std::shared_ptr<const AddLayer> with_scale(double scale) const;

  std::string_view type() const override { return "add"; }
  std::string describe() const override;
  Shape output_shape(std::span<const Shape> in) const override;
  BackwardReads backward_reads() const override { return {}; }
  bool forward_in_place() const override { return true; }
  bool backward_in_place() const override { return true; }
  std::unique_ptr<Kernel> prepare(Backend& backend, const KernelContext& context) const override;

 private:
  AddOp op_;
};

/// y = shortcut + branch, all of one shape. While `gate` is closed y = shortcut and nothing flows
/// to or from the branch; at inference the branch counts with the gate's survival probability.
/// Throws ShapeError when the shapes differ.
/// Source: He et al. 2015, 3.2; gated, Huang et al. 2016, equations 2 and 5.
Value add(Graph& g, std::string name, Value shortcut, Value branch,
          std::optional<Gate> gate = std::nullopt);

}  // namespace hadal

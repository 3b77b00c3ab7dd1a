#pragma once

#include <optional>
#include <string>

#include "core/executor.h"

namespace hadal {

/// Remembers the first step of a forward pass whose parameters or output hold a NaN or an infinity.
class FirstNotFinite final : public StepObserver {
 public:
  void after(const Plan& plan, const Plan::Step& step, const KernelArgs& args) override;

  /// The place as a number, smaller the earlier, equal on all replicas of a plan; nothing when all
  /// was finite.
  std::optional<int> place() const { return place_; }
  /// "the output of conv1", "the parameters of conv1".
  static std::string describe(const Plan& plan, int place);

 private:
  std::optional<int> place_;
};

/// Any NaN or infinity in a floating-point tensor.
bool has_non_finite(const TensorView& view);

}  // namespace hadal

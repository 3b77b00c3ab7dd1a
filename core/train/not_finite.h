#pragma once

#include <string>

#include "core/executor.h"

namespace hadal {

/// Remembers the first step of a forward pass whose output holds a NaN or an infinity.
class FirstNotFinite final : public StepObserver {
 public:
  void after(const Plan& plan, const Plan::Step& step, const KernelArgs& args) override;
  bool found() const { return !where_.empty(); }
  const std::string& where() const { return where_; }

 private:
  std::string where_;
};

/// Any NaN or infinity in a floating-point tensor.
bool has_non_finite(const TensorView& view);

}  // namespace hadal

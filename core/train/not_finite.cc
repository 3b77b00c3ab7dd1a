#include "core/train/not_finite.h"

#include <algorithm>
#include <cmath>

namespace hadal {
namespace {

template <typename T>
bool any_non_finite(const TensorView& view) {
  const T* x = view.as<T>();
  return std::any_of(x, x + view.shape.elements(), [](T value) { return !std::isfinite(value); });
}

}  // namespace

bool has_non_finite(const TensorView& view) {
  if (view.type == DType::kFloat32) return any_non_finite<float>(view);
  if (view.type == DType::kFloat64) return any_non_finite<double>(view);
  return false;
}

void FirstNotFinite::after(const Plan& plan, const Plan::Step& step, const KernelArgs& args) {
  if (found() || step.phase == Plan::Phase::kBackward) return;
  const LoweredNode& node = plan.nodes()[step.node].lowered;
  for (std::size_t i = 0; i < args.parameters.size(); ++i)
    if (has_non_finite(args.parameters[i])) {
      where_ = node.name + " (its parameters are not finite)";
      return;
    }
  if (has_non_finite(args.out)) where_ = node.name;
}

}  // namespace hadal

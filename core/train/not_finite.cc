#include "core/train/not_finite.h"

#include <algorithm>
#include <cmath>

namespace hadal {
namespace {

template <typename T>
bool any_non_finite(const TensorView& view) {
  const HostView host(view);
  const T* x = host.as<T>();
  return std::any_of(x, x + view.shape.elements(), [](T value) { return !std::isfinite(value); });
}

}  // namespace

bool has_non_finite(const TensorView& view) {
  if (view.type == DType::kFloat32) return any_non_finite<float>(view);
  if (view.type == DType::kFloat64) return any_non_finite<double>(view);
  return false;
}

void FirstNotFinite::after(const Plan&, const Plan::Step& step, const KernelArgs& args) {
  if (place_ || step.phase == Plan::Phase::kBackward) return;
  for (const TensorView& parameter : args.parameters)
    if (!place_ && has_non_finite(parameter)) place_ = 2 * step.node;
  if (!place_ && has_non_finite(args.out)) place_ = 2 * step.node + 1;
}

std::string FirstNotFinite::describe(const Plan& plan, int place) {
  return (place % 2 == 0 ? "the parameters of " : "the output of ") +
         plan.nodes()[static_cast<std::size_t>(place / 2)].lowered.name;
}

}  // namespace hadal

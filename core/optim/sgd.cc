// Plain stochastic gradient descent, w -= lr g, and with momentum in its two forms, each with
// Nesterov's look-ahead. The formulas are those of MomentumForm.
#include "core/optim/flat_optimizer.h"
#include "core/optim/rules.h"

namespace hadal::optim {
namespace {

struct Plain {
  static constexpr std::array<StateSpec, 0> kState{};
  explicit Plain(const OptimizerOptions&) {}

  template <typename T>
  auto update(double lr, std::int64_t) const {
    return [rate = static_cast<T>(lr)](T& w, T g) { w -= rate * g; };
  }
};

template <MomentumForm form, bool nesterov>
struct Momentum {
  static constexpr std::array<StateSpec, 1> kState{{{"velocity"}}};
  explicit Momentum(const OptimizerOptions& options) : momentum(options.momentum) {}

  template <typename T>
  auto update(double lr, std::int64_t) const {
    return [rate = static_cast<T>(lr), m = static_cast<T>(momentum)](T& w, T g, T& v) {
      if constexpr (form == MomentumForm::kRateOutside) {
        v = m * v + g;
        w -= rate * (nesterov ? g + m * v : v);
      } else {
        v = m * v + rate * g;
        w -= nesterov ? rate * g + m * v : v;
      }
    };
  }

  double momentum;
};

template <MomentumForm form>
std::unique_ptr<Optimizer> make_momentum(Parameters& parameters, const OptimizerOptions& options) {
  if (options.nesterov)
    return std::make_unique<FlatOptimizer<Momentum<form, true>>>(parameters, options);
  return std::make_unique<FlatOptimizer<Momentum<form, false>>>(parameters, options);
}

}  // namespace

std::unique_ptr<Optimizer> make_sgd(Parameters& parameters, const OptimizerOptions& options) {
  if (options.nesterov && options.momentum == 0)
    throw ConfigError("optimizer sgd: nesterov is set but momentum is 0, wanted momentum above 0");
  if (options.momentum == 0) return std::make_unique<FlatOptimizer<Plain>>(parameters, options);
  if (options.momentum_form == MomentumForm::kRateOutside)
    return make_momentum<MomentumForm::kRateOutside>(parameters, options);
  return make_momentum<MomentumForm::kRateInside>(parameters, options);
}

}  // namespace hadal::optim

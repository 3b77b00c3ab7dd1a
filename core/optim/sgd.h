// Plain stochastic gradient descent, w -= lr g, and with momentum in its two forms, each with
// Nesterov's look-ahead. The formulas are those of MomentumForm.
#pragma once

#include "core/optim/rule.h"

namespace hadal::optim {

struct PlainSgd {
  static constexpr std::array<StateSpec, 0> kState{};
  explicit PlainSgd(const OptimizerOptions&) {}

  template <typename T>
  struct Update {
    T rate;
    HADAL_PORTABLE void operator()(T& w, T g) const { w -= rate * g; }
  };
  template <typename T>
  Update<T> update(double lr, std::int64_t) const {
    return {static_cast<T>(lr)};
  }
};

template <MomentumForm form, bool nesterov>
struct MomentumSgd {
  static constexpr std::array<StateSpec, 1> kState{{{"velocity"}}};
  explicit MomentumSgd(const OptimizerOptions& options) : momentum(options.momentum) {}

  template <typename T>
  struct Update {
    T rate, m;
    HADAL_PORTABLE void operator()(T& w, T g, T& v) const {
      if constexpr (form == MomentumForm::kRateOutside) {
        v = m * v + g;
        w -= rate * (nesterov ? g + m * v : v);
      } else {
        v = m * v + rate * g;
        w -= nesterov ? rate * g + m * v : v;
      }
    }
  };
  template <typename T>
  Update<T> update(double lr, std::int64_t) const {
    return {static_cast<T>(lr), static_cast<T>(momentum)};
  }

  double momentum;
};

}  // namespace hadal::optim

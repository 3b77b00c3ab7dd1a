// Adam (Kingma & Ba 2015) in the form of TensorFlow 1.x, where epsilon is added to the uncorrected
// root ("epsilon hat" of the paper's section 2):
//
//   m = beta1 m + (1 - beta1) g,   v = beta2 v + (1 - beta2) g^2
//   w -= lr sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + epsilon)          t = 1, 2, ...
#pragma once

#include <cmath>

#include "core/optim/rule.h"

namespace hadal::optim {

struct Adam {
  static constexpr std::array<StateSpec, 2> kState{{{"first_moment"}, {"second_moment"}}};
  explicit Adam(const OptimizerOptions& options)
      : beta1(options.beta1), beta2(options.beta2), epsilon(options.epsilon.value_or(1e-8)) {}

  template <typename T>
  struct Update {
    T rate, b1, c1, b2, c2, eps;
    HADAL_PORTABLE void operator()(T& w, T g, T& m, T& v) const {
      m = b1 * m + c1 * g;
      v = b2 * v + c2 * g * g;
      w -= rate * m / (std::sqrt(v) + eps);
    }
  };
  template <typename T>
  Update<T> update(double lr, std::int64_t step) const {
    const auto t = static_cast<double>(step);
    const double corrected = lr * std::sqrt(1 - std::pow(beta2, t)) / (1 - std::pow(beta1, t));
    return {static_cast<T>(corrected), static_cast<T>(beta1),     static_cast<T>(1 - beta1),
            static_cast<T>(beta2),     static_cast<T>(1 - beta2), static_cast<T>(epsilon)};
  }

  double beta1, beta2, epsilon;
};

}  // namespace hadal::optim

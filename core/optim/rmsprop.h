// RMSprop (Tieleman & Hinton 2012) as two libraries write it:
//
//   Keras 2.0:      a = rho a + (1 - rho) g^2,   w -= lr g / (sqrt(a) + epsilon),   a = 0 at first
//   TensorFlow 1.x: a = rho a + (1 - rho) g^2,   v = m v + lr g / sqrt(a + epsilon),   w -= v,
//                   a = 1 at first, which makes the first steps shorter
#pragma once

#include <cmath>

#include "core/optim/rule.h"

namespace hadal::optim {

struct RmspropKeras {
  static constexpr std::array<StateSpec, 1> kState{{{"square_mean"}}};
  explicit RmspropKeras(const OptimizerOptions& options)
      : rho(options.rho), epsilon(options.epsilon.value_or(1e-8)) {}

  template <typename T>
  struct Update {
    T rate, keep, take, eps;
    HADAL_PORTABLE void operator()(T& w, T g, T& a) const {
      a = keep * a + take * g * g;
      w -= rate * g / (std::sqrt(a) + eps);
    }
  };
  template <typename T>
  Update<T> update(double lr, std::int64_t) const {
    return {static_cast<T>(lr), static_cast<T>(rho), static_cast<T>(1 - rho),
            static_cast<T>(epsilon)};
  }

  double rho, epsilon;
};

struct RmspropTensorflow {
  static constexpr std::array<StateSpec, 2> kState{{{"square_mean", 1.0}, {"velocity"}}};
  explicit RmspropTensorflow(const OptimizerOptions& options)
      : rho(options.rho), momentum(options.momentum), epsilon(options.epsilon.value_or(1e-10)) {}

  template <typename T>
  struct Update {
    T rate, keep, take, m, eps;
    HADAL_PORTABLE void operator()(T& w, T g, T& a, T& v) const {
      a = keep * a + take * g * g;
      v = m * v + rate * g / std::sqrt(a + eps);
      w -= v;
    }
  };
  template <typename T>
  Update<T> update(double lr, std::int64_t) const {
    return {static_cast<T>(lr), static_cast<T>(rho), static_cast<T>(1 - rho),
            static_cast<T>(momentum), static_cast<T>(epsilon)};
  }

  double rho, momentum, epsilon;
};

}  // namespace hadal::optim

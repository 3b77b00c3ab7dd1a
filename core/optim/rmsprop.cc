// RMSprop (Tieleman & Hinton 2012) as two libraries write it:
//
//   Keras 2.0:      a = rho a + (1 - rho) g^2,   w -= lr g / (sqrt(a) + epsilon),   a = 0 at first
//   TensorFlow 1.x: a = rho a + (1 - rho) g^2,   v = m v + lr g / sqrt(a + epsilon),   w -= v,
//                   a = 1 at first, which makes the first steps shorter
#include <cmath>

#include "core/optim/flat_optimizer.h"
#include "core/optim/rules.h"

namespace hadal::optim {
namespace {

struct RmspropKeras {
  static constexpr std::array<StateSpec, 1> kState{{{"square_mean"}}};
  explicit RmspropKeras(const OptimizerOptions& options)
      : rho(options.rho), epsilon(options.epsilon.value_or(1e-8)) {}

  template <typename T>
  auto update(double lr, std::int64_t) const {
    return [rate = static_cast<T>(lr), keep = static_cast<T>(rho), take = static_cast<T>(1 - rho),
            eps = static_cast<T>(epsilon)](T& w, T g, T& a) {
      a = keep * a + take * g * g;
      w -= rate * g / (std::sqrt(a) + eps);
    };
  }

  double rho, epsilon;
};

struct RmspropTensorflow {
  static constexpr std::array<StateSpec, 2> kState{{{"square_mean", 1.0}, {"velocity"}}};
  explicit RmspropTensorflow(const OptimizerOptions& options)
      : rho(options.rho), momentum(options.momentum), epsilon(options.epsilon.value_or(1e-10)) {}

  template <typename T>
  auto update(double lr, std::int64_t) const {
    return [rate = static_cast<T>(lr), keep = static_cast<T>(rho), take = static_cast<T>(1 - rho),
            m = static_cast<T>(momentum), eps = static_cast<T>(epsilon)](T& w, T g, T& a, T& v) {
      a = keep * a + take * g * g;
      v = m * v + rate * g / std::sqrt(a + eps);
      w -= v;
    };
  }

  double rho, momentum, epsilon;
};

}  // namespace

std::unique_ptr<Optimizer> make_rmsprop_keras(Parameters& parameters,
                                              const OptimizerOptions& options) {
  return std::make_unique<FlatOptimizer<RmspropKeras>>(parameters, options);
}

std::unique_ptr<Optimizer> make_rmsprop_tensorflow(Parameters& parameters,
                                                   const OptimizerOptions& options) {
  return std::make_unique<FlatOptimizer<RmspropTensorflow>>(parameters, options);
}

}  // namespace hadal::optim

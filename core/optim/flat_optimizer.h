// What all rules share: one pass over the flat buffers that clips, decays and applies the rule, and
// the state tensors it needs.
//
// A rule is a struct with
//
//   static constexpr std::array<StateSpec, K> kState;   the state tensors
//   explicit Rule(const OptimizerOptions&);
//   template <typename T> auto update(double lr, std::int64_t step) const;
//
// where update() gives a function (T& w, T g, T& state...) for the step numbered `step` (1 for the
// first), which the loop inlines.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "core/optim/optimizer.h"

namespace hadal::optim {

struct StateSpec {
  const char* name;
  double initial_value = 0.0;
};

/// Gradient of one element after clipping and decay.
template <typename T>
struct Effective {
  T scale, limit, decay;
  T operator()(T g, T w) const { return std::clamp(g * scale, -limit, limit) + decay * w; }
};

/// The hot loop: element-wise, so that it vectorises; no two buffers overlap.
template <typename T, typename Update>
void sweep(const Update& update, const Effective<T>& effective, std::int64_t count,
           const T* __restrict g, T* __restrict w) {
  for (std::int64_t i = 0; i < count; ++i) update(w[i], effective(g[i], w[i]));
}
template <typename T, typename Update>
void sweep(const Update& update, const Effective<T>& effective, std::int64_t count,
           const T* __restrict g, T* __restrict w, T* __restrict a) {
  for (std::int64_t i = 0; i < count; ++i) update(w[i], effective(g[i], w[i]), a[i]);
}
template <typename T, typename Update>
void sweep(const Update& update, const Effective<T>& effective, std::int64_t count,
           const T* __restrict g, T* __restrict w, T* __restrict a, T* __restrict b) {
  for (std::int64_t i = 0; i < count; ++i) update(w[i], effective(g[i], w[i]), a[i], b[i]);
}

template <typename Rule>
class FlatOptimizer final : public Optimizer {
 public:
  FlatOptimizer(Parameters& parameters, const OptimizerOptions& options)
      : parameters_(parameters),
        options_(options),
        rule_(options),
        steps_(Shape{1}, DType::kFloat64) {
    for (const StateSpec& spec : Rule::kState) {
      state_.emplace_back(parameters.values().shape, parameters.type());
      if (spec.initial_value != 0)
        hadal::initialize(state_.back().view(), Initializer::constant(spec.initial_value), 0,
                          spec.name);
    }
  }

  void step(double learning_rate) override {
    HADAL_CHECK(std::isfinite(learning_rate));
    steps_.as<double>()[0] += 1;
    if (parameters_.type() == DType::kFloat64) return step_in<double>(learning_rate);
    step_in<float>(learning_rate);
  }

  std::vector<std::pair<std::string, TensorView>> state() const override {
    std::vector<std::pair<std::string, TensorView>> state{{"steps", steps_.view()}};
    for (std::size_t k = 0; k < state_.size(); ++k)
      state.emplace_back(Rule::kState[k].name, state_[k].view());
    return state;
  }

 private:
  template <typename T>
  void step_in(double learning_rate) {
    const auto step = static_cast<std::int64_t>(steps_.as<double>()[0]);
    Effective<T> effective{static_cast<T>(clip_scale()), std::numeric_limits<T>::infinity(), 0};
    if (options_.clip_value > 0) effective.limit = static_cast<T>(options_.clip_value);
    for (const Parameters::Entry& entry : parameters_.entries()) {
      if (!entry.spec.trainable) continue;
      effective.decay = static_cast<T>(decay_of(entry));
      const auto update =
          rule_.template update<T>(learning_rate * entry.spec.rate_multiplier, step);
      [&]<std::size_t... K>(std::index_sequence<K...>) {
        sweep(update, effective, entry.elements,
              parameters_.gradients().template as<T>() + entry.offset,
              parameters_.values().template as<T>() + entry.offset,
              state_[K].template as<T>() + entry.offset...);
      }
      (std::make_index_sequence<Rule::kState.size()>());
    }
  }

  double decay_of(const Parameters::Entry& entry) const {
    if (options_.decay_on == DecayOn::kWeights && entry.shape.rank() < 2) return 0;
    return options_.weight_decay * entry.spec.decay_multiplier;
  }

  double clip_scale() const {
    if (options_.clip_norm <= 0) return 1;
    const double norm = gradient_norm(parameters_);
    return norm > options_.clip_norm ? options_.clip_norm / norm : 1;
  }

  Parameters& parameters_;
  OptimizerOptions options_;
  Rule rule_;
  std::vector<Tensor> state_;
  Tensor steps_;
};

}  // namespace hadal::optim

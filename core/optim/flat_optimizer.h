// What the optimizers of all devices share: the state tensors of a rule, laid out like the flat
// buffers of Parameters and beside them, the count of steps, and what clips and decays.
#pragma once

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "core/optim/rule.h"

namespace hadal::optim {

template <typename Rule>
class FlatOptimizer : public Optimizer {
 public:
  FlatOptimizer(Parameters& parameters, const OptimizerOptions& options)
      : parameters_(parameters),
        options_(options),
        rule_(options),
        steps_(Shape{1}, DType::kFloat64) {
    for (const StateSpec& spec : Rule::kState) {
      state_.emplace_back(parameters.values().shape, parameters.type(), Layout::kNhwc,
                          parameters.device());
      if (spec.initial_value != 0)
        hadal::initialize(state_.back().view(), Initializer::constant(spec.initial_value), 0,
                          spec.name);
    }
  }

  void step(double learning_rate) final {
    HADAL_CHECK(std::isfinite(learning_rate));
    steps_.template as<double>()[0] += 1;
    sweep(learning_rate);
  }

  std::vector<std::pair<std::string, TensorView>> state() const final {
    std::vector<std::pair<std::string, TensorView>> state{{"steps", steps_.view()}};
    for (std::size_t k = 0; k < state_.size(); ++k)
      state.emplace_back(Rule::kState[k].name, state_[k].view());
    return state;
  }

 protected:
  /// One pass over all trainable entries.
  virtual void sweep(double learning_rate) = 0;

  template <typename T>
  auto update(const Parameters::Entry& entry, double learning_rate) const {
    return rule_.template update<T>(learning_rate * entry.spec.rate_multiplier,
                                    static_cast<std::int64_t>(steps_.as<double>()[0]));
  }

  /// Of this step; of an entry but for its decay, which is decay_of().
  template <typename T>
  Effective<T> effective() const {
    Effective<T> effective{static_cast<T>(clip_scale()), std::numeric_limits<T>::infinity(), 0};
    if (options_.clip_value > 0) effective.limit = static_cast<T>(options_.clip_value);
    return effective;
  }

  double decay_of(const Parameters::Entry& entry) const {
    if (options_.decay_on == DecayOn::kWeights && entry.shape.rank() < 2) return 0;
    return options_.weight_decay * entry.spec.decay_multiplier;
  }

  Parameters& parameters_;
  std::vector<Tensor> state_;

 private:
  double clip_scale() const {
    if (options_.clip_norm <= 0) return 1;
    const double norm = gradient_norm(parameters_);
    return norm > options_.clip_norm ? options_.clip_norm / norm : 1;
  }

  OptimizerOptions options_;
  Rule rule_;
  Tensor steps_;
};

}  // namespace hadal::optim

// A rule over buffers in the host's memory.
#pragma once

#include "core/optim/flat_optimizer.h"

namespace hadal::optim {

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
class HostOptimizer final : public FlatOptimizer<Rule> {
 public:
  using FlatOptimizer<Rule>::FlatOptimizer;

 private:
  void sweep(double learning_rate) override {
    if (this->parameters_.type() == DType::kFloat64) return sweep_in<double>(learning_rate);
    sweep_in<float>(learning_rate);
  }

  template <typename T>
  void sweep_in(double learning_rate) {
    auto effective = this->template effective<T>();
    for (const Parameters::Entry& entry : this->parameters_.entries()) {
      if (!entry.spec.trainable) continue;
      effective.decay = static_cast<T>(this->decay_of(entry));
      const auto update = this->template update<T>(entry, learning_rate);
      [&]<std::size_t... K>(std::index_sequence<K...>) {
        optim::sweep(update, effective, entry.elements,
                     this->parameters_.gradients().template as<T>() + entry.offset,
                     this->parameters_.values().template as<T>() + entry.offset,
                     this->state_[K].template as<T>() + entry.offset...);
      }
      (std::make_index_sequence<Rule::kState.size()>());
    }
  }
};

}  // namespace hadal::optim

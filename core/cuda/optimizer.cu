// An optimizer's step as one pass over the flat buffers: parameters of the same rate and decay are
// stepped by one launch, cut into pieces of at most kPiece elements, so that neither padding nor
// fixed parameters are touched.
#include <map>
#include <utility>

#include "core/cuda/kernels.h"
#include "core/cuda/parallel.cuh"
#include "core/optim/flat_optimizer.h"
#include "core/optim/rules.h"

namespace hadal::cuda {
namespace {

constexpr std::int64_t kPiece = 1024;

struct Piece {
  std::int64_t offset, elements;
};

template <typename Rule>
struct StateOf {
  static constexpr std::size_t kCount = Rule::kState.size();
  float* of[kCount == 0 ? 1 : kCount] = {};
};

template <typename Update>
HADAL_PORTABLE void apply(const Update& update, float& w, float g, const StateOf<optim::PlainSgd>&,
                          std::int64_t) {
  update(w, g);
}
template <typename Update, typename State>
HADAL_PORTABLE void apply(const Update& update, float& w, float g, const State& state,
                          std::int64_t i) {
  if constexpr (State::kCount == 1)
    update(w, g, state.of[0][i]);
  else
    update(w, g, state.of[0][i], state.of[1][i]);
}

template <typename Rule>
class DeviceOptimizer final : public optim::FlatOptimizer<Rule> {
 public:
  DeviceOptimizer(Parameters& parameters, const OptimizerOptions& options, const Queue& queue)
      : optim::FlatOptimizer<Rule>(parameters, options), queue_(queue) {
    std::map<std::pair<double, double>, std::vector<Piece>> alike;
    std::map<std::pair<double, double>, const Parameters::Entry*> example;
    for (const Parameters::Entry& entry : parameters.entries()) {
      if (!entry.spec.trainable) continue;
      const std::pair key{entry.spec.rate_multiplier, this->decay_of(entry)};
      example[key] = &entry;
      for (std::int64_t at = 0; at < entry.elements; at += kPiece)
        alike[key].push_back({entry.offset + at, std::min(kPiece, entry.elements - at)});
    }
    for (const auto& [key, pieces] : alike)
      groups_.push_back({example[key], static_cast<std::int64_t>(pieces.size()),
                         table_of(pieces, parameters.device())});
  }

  void sweep(double learning_rate) override {
    auto effective = this->template effective<float>();
    float* const w = this->parameters_.values().template as<float>();
    const float* const g = this->parameters_.gradients().template as<float>();
    StateOf<Rule> state;
    for (std::size_t k = 0; k < this->state_.size(); ++k)
      state.of[k] = this->state_[k].template as<float>();
    for (const Group& group : groups_) {
      effective.decay = static_cast<float>(this->decay_of(*group.example));
      launch(group, this->template update<float>(*group.example, learning_rate), effective, g, w,
             state);
    }
  }

  struct Group {
    const Parameters::Entry* example;  // all have its rate and decay
    std::int64_t count;
    Tensor pieces;
  };

  template <typename Update>
  void launch(const Group& group, const Update& update, const optim::Effective<float>& effective,
              const float* g, float* w, const StateOf<Rule>& state) const {
    const auto* const pieces = static_cast<const Piece*>(group.pieces.view().data);
    for_each(queue_, group.count * kPiece, [=] HADAL_DEVICE(std::int64_t at) {
      const Piece piece = pieces[at / kPiece];
      if (at % kPiece >= piece.elements) return;
      const std::int64_t i = piece.offset + at % kPiece;
      apply(update, w[i], effective(g[i], w[i]), state, i);
    });
  }

 private:
  static Tensor table_of(const std::vector<Piece>& pieces, Device* device) {
    const Shape shape{static_cast<std::int64_t>(pieces.size() * sizeof(Piece))};
    const Tensor here(shape, DType::kUint8);
    std::copy(pieces.begin(), pieces.end(), reinterpret_cast<Piece*>(here.view().data));
    Tensor there(shape, DType::kUint8, Layout::kNhwc, device);
    copy_converted(here.view(), there.view());
    return there;
  }

  Queue queue_;
  std::vector<Group> groups_;
};

}  // namespace

std::unique_ptr<Optimizer> make_flat_optimizer(Parameters& parameters,
                                               const OptimizerOptions& options,
                                               const Queue& queue) {
  check_optimizer(options);
  return optim::for_rule(options, [&]<typename Rule>() -> std::unique_ptr<Optimizer> {
    return std::make_unique<DeviceOptimizer<Rule>>(parameters, options, queue);
  });
}

}  // namespace hadal::cuda

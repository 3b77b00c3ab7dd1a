#include "models/stochastic_depth.h"

#include "core/base/error.h"
#include "core/base/random.h"

namespace hadal::models {

namespace {

class IndependentGates final : public GateSampler {
 public:
  explicit IndependentGates(std::vector<double> survival_probabilities)
      : survival_probabilities_(std::move(survival_probabilities)) {}

  GateMask sample(std::uint64_t seed, std::uint64_t step) const override {
    const random::Stream stream{seed, random::Purpose::kGate, step};
    GateMask mask(survival_probabilities_.size());
    for (std::size_t gate = 0; gate < mask.size(); ++gate)
      mask[gate] = random::uniform_open(stream, gate) < survival_probabilities_[gate];
    return mask;
  }

 private:
  std::vector<double> survival_probabilities_;
};

}  // namespace

double survival_probability(int l, int blocks, double last, SurvivalDecay decay) {
  HADAL_CHECK(l >= 1 && l <= blocks);
  return decay == SurvivalDecay::kUniform ? last : 1.0 - (1.0 - last) * l / blocks;
}

std::shared_ptr<const GateSampler> StochasticDepth::sampler(const Graph& graph) {
  if (graph.gates().empty()) return nullptr;
  std::vector<double> probabilities;
  for (const Graph::GateInfo& gate : graph.gates())
    probabilities.push_back(gate.survival_probability);
  return std::make_shared<IndependentGates>(std::move(probabilities));
}

std::vector<OptionSpec> StochasticDepth::options() {
  return {
      {.name = "survival",
       .kind = OptionKind::kReal,
       .default_value = "1",
       .meaning = "probability p_L that the last block survives a step; 1: constant depth",
       .low = 0,
       .high = 1},
      {.name = "decay",
       .kind = OptionKind::kChoice,
       .default_value = "linear",
       .meaning = "survival of block l of L: 1 - (l/L)(1 - p_L), or p_L for all",
       .choices = {"linear", "uniform"}},
  };
}

StochasticDepth::StochasticDepth(const Options& options, int blocks)
    : blocks_(blocks),
      last_(options.real("survival")),
      decay_(options.choice("decay") == "linear" ? SurvivalDecay::kLinear
                                                 : SurvivalDecay::kUniform) {}

std::optional<Gate> StochasticDepth::next(Graph& g, const std::string& block) {
  if (last_ == 1.0) return std::nullopt;
  return g.gate(block, survival_probability(++given_, blocks_, last_, decay_));
}

}  // namespace hadal::models

#include "models/stochastic_depth.h"

#include "core/base/error.h"
#include "core/base/random.h"
#include "core/layers/add.h"
#include "core/layers/dropout.h"

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
      {.name = "gate",
       .kind = OptionKind::kChoice,
       .default_value = "batch",
       .meaning = "one draw for a mini-batch, which saves the work (Huang et al.), or one for each "
                  "sample, divided by the survival probability in training",
       .choices = {"batch", "sample"}},
  };
}

StochasticDepth::StochasticDepth(const Options& options, int blocks)
    : blocks_(blocks),
      last_(options.real("survival")),
      decay_(options.choice("decay") == "linear" ? SurvivalDecay::kLinear
                                                 : SurvivalDecay::kUniform),
      per_sample_(options.choice("gate") == "sample") {
  if (per_sample_ && last_ == 0)
    options.refuse("survival", "with gate=sample wanted a number above 0");
}

Value StochasticDepth::add(Graph& g, const std::string& prefix, Value shortcut, Value branch) {
  std::optional<Gate> gate;
  const double p = survival_probability(++given_, blocks_, last_, decay_);
  if (p < 1 && per_sample_)
    branch = dropout(g, prefix + "drop", branch, {.rate = 1 - p, .per_sample = true});
  else if (p < 1)
    gate = g.gate(prefix + "gate", p);
  return hadal::add(g, prefix + "add", shortcut, branch, gate);
}

}  // namespace hadal::models

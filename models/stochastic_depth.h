// Stochastic depth (Huang et al. 2016): residual blocks that are skipped at random in training.
//
//   training:  H_l = ReLU(b_l f_l(H_{l-1}) + id(H_{l-1})),   b_l ~ Bernoulli(p_l), one draw a block
//   and mini-batch inference: H_l = ReLU(p_l f_l(H_{l-1}) + id(H_{l-1}))
//
// The gate on the residual edge is b_l, and its survival probability p_l.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/gate_sampler.h"
#include "models/options.h"

namespace hadal::models {

enum class SurvivalDecay { kLinear, kUniform };

/// p_l of block `l` of `blocks`, counted from 1 over the whole net:
///   kLinear: 1 - (l / L)(1 - p_L)      kUniform: p_L
/// Source: Huang et al. 2016, equation 4.
double survival_probability(int l, int blocks, double last, SurvivalDecay decay);

/// Hands each residual block of a net its gate.
class StochasticDepth {
 public:
  /// Draws every gate of a graph open with its survival probability, each on its own.
  static std::shared_ptr<const GateSampler> sampler(const Graph& graph);

  /// The options every residual net has: survival (p_L; 1: constant depth), decay.
  static std::vector<OptionSpec> options();

  StochasticDepth(const Options& options, int blocks);

  /// The gate of the next block, or nothing at constant depth. REQUIRES: fewer than `blocks` calls
  /// before.
  std::optional<Gate> next(Graph& g, const std::string& block);

 private:
  int blocks_;
  double last_;
  SurvivalDecay decay_;
  int given_ = 0;
};

}  // namespace hadal::models

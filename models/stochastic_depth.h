// Stochastic depth (Huang et al. 2016): residual blocks that are skipped at random in training.
//
//   gate=batch, the authors': one draw b_l ~ Bernoulli(p_l) for a block and mini-batch
//     training:  H_l = ReLU(b_l f_l(H_{l-1}) + id(H_{l-1}))
//     inference: H_l = ReLU(p_l f_l(H_{l-1}) + id(H_{l-1}))
//   gate=sample, as several libraries have it: one draw b_ln for a block and sample n
//     training:  H_ln = ReLU(b_ln / p_l f_l(H_{l-1})_n + id(H_{l-1})_n)
//     inference: H_ln = ReLU(f_l(H_{l-1})_n + id(H_{l-1})_n)
//
// With gate=batch, b_l is a gate on the residual edge and p_l its survival probability, so a
// dropped block costs nothing. With gate=sample every block is computed for every sample, and BN
// sees them all; it saves no time.
#pragma once

#include <memory>
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

  /// The options every residual net has: survival (p_L; 1: constant depth), decay, gate.
  static std::vector<OptionSpec> options();

  StochasticDepth(const Options& options, int blocks);

  /// Ends the next block, `prefix` "stage1.block1.": adds `branch`, which is there with the block's
  /// survival probability, to `shortcut`. Names are "PREFIXadd", "PREFIXgate", "PREFIXdrop".
  /// REQUIRES: fewer than `blocks` calls before.
  Value add(Graph& g, const std::string& prefix, Value shortcut, Value branch);

 private:
  int blocks_;
  double last_;
  SurvivalDecay decay_;
  bool per_sample_;
  int given_ = 0;
};

}  // namespace hadal::models

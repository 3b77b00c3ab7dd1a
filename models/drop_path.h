// Drop-path (Larsson et al. 2017): in training some inputs of joins are absent.
//
// Local: every join drops each of its inputs with one probability, independently; if all are
// dropped, one of them, chosen uniformly, comes back. Global: one column, chosen uniformly, is the
// whole network; every gate of another column is closed, also at joins that column does not reach.
// Which of the two a step uses is drawn too; all draws are per mini-batch. At inference nothing is
// dropped: a join is the mean of all its inputs.
#pragma once

#include <vector>

#include "core/gate_sampler.h"

namespace hadal::models {

class DropPath final : public GateSampler {
 public:
  /// One gated input of a join.
  struct Input {
    Gate gate;
    int column = 0;  // 0 is the shallowest
  };
  using Join = std::vector<Input>;

  /// `drop_probability`: of an input, in local steps. `global_share`: the probability that a step
  /// is global. Gates are numbered 0 .. n-1 and each belongs to one join; column `columns - 1` and
  /// every other one ends in the last join.
  DropPath(std::vector<Join> joins, int columns, double drop_probability, double global_share);

  GateMask sample(std::uint64_t seed, std::uint64_t step) const override;

  /// The column that is alone in this step, or -1 in a local step.
  int global_column(std::uint64_t seed, std::uint64_t step) const;

 private:
  std::vector<Join> joins_;
  int columns_;
  double drop_probability_;
  double global_share_;
  std::size_t gates_ = 0;
};

}  // namespace hadal::models

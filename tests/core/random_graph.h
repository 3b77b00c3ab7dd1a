// Random nets with every kind of fork, join, gate and in-place chance the planner can meet.
#pragma once

#include "core/graph.h"

namespace hadal::test {

struct RandomGraph {
  Graph graph;
  Value image;  // 1 x 6 x 6 x 4
  Value loss;   // N
};

/// A stack of `blocks` blocks drawn from `seed`: residual (gated or not, with or without ReLU
/// after), plain, pooled, joined columns with gates, concatenated; ended by a linear layer and a
/// mean squared error against a second use of its input.
RandomGraph random_graph(std::uint64_t seed, int blocks);

/// Each gate open with probability 1/2, but where a join needs at least one column its first stays
/// open.
GateMask random_gates(const RandomGraph& net, std::uint64_t seed);

}  // namespace hadal::test

// What a model is to the rest of the program: a graph, the values that matter in it, and how its
// gates are drawn.
#pragma once

#include <memory>

#include "core/gate_sampler.h"
#include "core/graph.h"

namespace hadal {

struct Model {
  Graph graph;
  Value image;                               // input: N x H x W x C, float32
  Value labels;                              // input: N, int32
  Value scores;                              // N x classes, the highest wins
  Value loss;                                // N
  std::shared_ptr<const GateSampler> gates;  // null: none, every gate open
};

/// The data a model is built for.
struct InputSpec {
  int height = 32, width = 32, channels = 3;
  int classes = 10;
};

}  // namespace hadal

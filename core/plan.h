// A graph compiled for one purpose: which steps run in which order, where every value lies, what
// memory that takes.
//
// Compilation: rewrite (inference: fold BN into convolutions; fuse BN + add + ReLU), prune to the
// ancestors of the outputs, differentiate from the seeds to what is wanted, prepare kernels, place
// memory by liveness (first fit over live ranges in one arena). Gates are decided at run time: the
// plan holds the superset.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/backend.h"
#include "core/graph.h"
#include "core/params.h"

namespace hadal {

struct PlanOptions {
  std::int64_t batch = 1;
  bool training = true;
  std::vector<Value> outputs;  // must be there after forward
  std::vector<Value>
      seeds;  // backward starts here, from gradients fed from outside; empty: no backward
  bool wants_parameter_gradients = true;
  std::vector<Value> wants_gradient;  // inputs or any other node
  std::vector<Value> keep;            // further values to be readable after the run
  DType type = DType::kFloat32;
  ReluRule relu_rule = ReluRule::kGradient;
  int recompute_every = 0;   // keep one of every k cut values (values that alone cross a point of
                             // the order); 0: keep all
  bool fuse = true;          // BN + add + ReLU in one kernel; conv + BN folded at inference
  bool reuse_memory = true;  // off: every slot has its own buffer, nothing works in place
};

class Plan;
using PlanPtr = std::shared_ptr<const Plan>;

}  // namespace hadal

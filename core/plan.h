// A graph compiled for one purpose on one backend: which steps run in which order, with which
// kernels, where every value lies, and what memory that takes, all known before the first step
// runs.
//
// Compilation: lower (prune, fuse, rewrite), differentiate from the seeds to what is wanted, order
// the steps, cut them into segments to recompute, prepare kernels, place memory by liveness. Gates
// are decided at run time, so a plan holds the superset: every gate open.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/backend.h"
#include "core/lowering.h"
#include "core/memory_planner.h"
#include "core/params.h"

namespace hadal {

struct PlanOptions {
  std::int64_t batch = 1;
  bool training = true;
  std::vector<Value> outputs;  // readable after the run
  std::vector<Value>
      seeds;  // backward starts here, from gradients fed from outside; empty: no backward
  bool wants_parameter_gradients = true;
  std::vector<Value> wants_gradient;  // inputs or any other values
  DType type =
      DType::kFloat32;  // of every floating-point value; the graph's float32 inputs become this
  ReluRule relu_rule = ReluRule::kGradient;
  int recompute_every =
      0;  // keep one of every k cut values and run the rest again in backward; 0: keep all
  bool fuse = true;          // BN + add + ReLU in one kernel; conv + BN folded at inference
  bool reuse_memory = true;  // off: every slot has bytes of its own and nothing works in place
};

class Plan {
 public:
  static constexpr int kNoSlot = -1;

  struct Node {
    LoweredNode lowered;
    TensorView form;  // shape with batch, type, layout; data is null
    std::unique_ptr<Kernel> kernel;
    bool backward = false;         // backward may run it
    std::vector<bool> wants_d_in;  // per input
    std::vector<int> consumers;    // nodes, in order
    int d_slot = kNoSlot;          // gradient of the value
    bool recomputed = false;
    int segment = 0;
  };

  enum class Phase { kForward, kRecompute, kBackward };

  /// One kernel run and the slots it works on (kNoSlot: absent or fed from outside).
  struct Step {
    Phase phase = Phase::kForward;
    int node = -1;
    std::vector<int> in;  // slots
    int out = kNoSlot;
    int saved = kNoSlot;
    int workspace = kNoSlot;
    std::vector<int> scratch;  // per input: where d_in goes when it must be added afterwards
  };

  /// Throws ConfigError or ShapeError when the graph cannot be compiled for these options. `graph`
  /// and `parameters` must stay until the plan is gone.
  static std::unique_ptr<Plan> compile(const Graph& graph, const Parameters& parameters,
                                       Backend& backend, const PlanOptions& options);

  const Graph& graph() const { return *graph_; }
  const PlanOptions& options() const { return options_; }
  Backend& backend() const { return *backend_; }
  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<Step>& steps() const { return steps_; }
  int first_backward_step() const { return first_backward_step_; }  // or recompute step
  const std::vector<MemorySlot>& slots() const { return slots_; }
  const MemoryPlacement& placement() const { return placement_; }

  /// The plan's node that computes a graph value, or -1 when it was pruned or rewritten away.
  int node_of(Value value) const { return node_of_.at(value.node); }
  int value_slot(int node) const { return value_slot_.at(node); }

  std::size_t arena_bytes() const { return placement_.arena_bytes; }
  std::size_t parameter_bytes() const {
    return parameter_bytes_;
  }                                   // values, gradients, running and batch statistics
  std::int64_t forward_macs() const;  // of the whole batch

  /// A table: step, layer, shape, parameters, multiply-adds, bytes; then totals.
  std::string describe() const;
  /// Equal on ranks that will run the same steps on the same shapes.
  std::uint64_t hash() const;

 private:
  friend class PlanCompiler;
  const Graph* graph_ = nullptr;
  Backend* backend_ = nullptr;
  PlanOptions options_;
  std::vector<Node> nodes_;
  std::vector<int> node_of_;
  std::vector<int> value_slot_;  // of the forward pass
  std::vector<Step> steps_;
  int first_backward_step_ = 0;
  std::vector<MemorySlot> slots_;
  MemoryPlacement placement_;
  std::size_t parameter_bytes_ = 0;
};

}  // namespace hadal

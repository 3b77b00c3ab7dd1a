// Runs a plan: forward, then backward, for one batch with one set of gates.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/plan.h"

namespace hadal {

/// Sees every step with all it touches, before and after it runs.
class StepObserver {
 public:
  virtual ~StepObserver() = default;
  virtual void before(const Plan& /*plan*/, const Plan::Step& /*step*/,
                      const KernelArgs& /*args*/) {}
  virtual void after(const Plan& /*plan*/, const Plan::Step& /*step*/, const KernelArgs& /*args*/) {
  }
};

/// Data for an input, or a gradient for a seed.
struct Feed {
  Value value;
  TensorView data;
};

struct ExecutorOptions {
  bool poison_dead_memory = false;  // fill slots with NaN when their life ends, for tests
};

class Executor {
 public:
  /// `parameters` are those the plan was compiled with; they must outlive the executor.
  Executor(std::unique_ptr<Plan> plan, Parameters& parameters, const ExecutorOptions& options = {});

  const Plan& plan() const { return *plan_; }
  Parameters& parameters() { return parameters_; }

  /// Runs what the outputs and seeds need under `gates` (empty: all open). Inputs are read until
  /// backward is done; those that do not lie on the backend's device are copied there. Throws
  /// ShapeError when a feed does not fit, ConfigError when one is missing.
  void forward(std::span<const Feed> inputs, const StepInfo& step = {}, const GateMask& gates = {});

  /// REQUIRES: forward ran. Overwrites the gradients of all parameters; those of steps that gates
  /// switched off become 0.
  void backward(std::span<const Feed> seeds);

  /// A value of the last forward, in its own layout, where the backend keeps it (HostView reads
  /// it). Throws ConfigError when the plan does not keep it.
  TensorView value(Value value) const;
  /// The gradient of a value named in PlanOptions::wants_gradient; zeros where no gradient arrived.
  TensorView gradient(Value value) const;

  /// Per entry of Parameters: the backward steps of this mask write its gradient.
  std::vector<std::uint8_t> active_entries(const GateMask& gates) const;
  /// Per running entry of Parameters: the forward steps of this mask write its batch statistic.
  std::vector<std::uint8_t> active_statistics(const GateMask& gates) const;
  /// Multiply-adds of a training or inference step under these gates (backward counts twice the
  /// forward).
  std::int64_t macs(const GateMask& gates) const;

  /// Called by backward for every parameter entry, in order, as soon as it and all before it are
  /// complete.
  void on_gradient_ready(std::function<void(int entry)> callback) {
    gradient_ready_ = std::move(callback);
  }
  /// Called between steps; null: nobody.
  void on_poll(std::function<void()> callback) { poll_ = std::move(callback); }
  void set_observer(StepObserver* observer) { observer_ = observer; }

 private:
  struct Needed {
    std::vector<std::uint8_t> forward, backward;  // per plan node
  };
  struct BoundStep {
    std::vector<TensorView> in, parameters, running, statistics, d_in, d_parameters, scratch;
    std::unique_ptr<bool[]> add_to_d_in;
    KernelArgs args;
  };

  Needed needed(const GateMask& gates) const;
  void bind();
  TensorView on_device(int input, const TensorView& feed);
  TensorView at_slot(int slot, const TensorView& form) const;
  void run_step(int index);
  void run_backward_kernel(int index, BoundStep& bound);
  void report_ready_gradients();
  bool open(const Graph::Edge& edge) const;
  void poison_slots_that_die_at(int step);

  std::unique_ptr<Plan> plan_;
  Parameters& parameters_;
  ExecutorOptions options_;
  AlignedBuffer arena_;
  std::vector<BoundStep> bound_;
  std::vector<TensorView> feeds_;           // per plan node that is an input
  std::vector<Tensor> fed_copies_;          // the same: its copy on the device, where one is needed
  std::vector<std::uint8_t> has_gradient_;  // per plan node: some contribution has been written
  std::vector<std::uint8_t> entry_done_;
  int next_entry_ = 0;
  Needed needed_;
  GateMask gates_;
  StepInfo step_;
  std::function<void(int)> gradient_ready_;
  std::function<void()> poll_;
  StepObserver* observer_ = nullptr;
};

}  // namespace hadal

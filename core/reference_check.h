// Every step of an executor compared with the reference backend on the same inputs: the engine of
// --check.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/executor.h"
#include "core/reference/reference_backend.h"

namespace hadal {

/// Set as an executor's observer. Before a step it copies all the step reads; after it, it runs the
/// same layer on the reference backend in double and compares outputs, gradients and batch
/// statistics:
///
///   difference <= tolerance * (largest magnitude of the reference's tensor + 1e-6)
///
/// Parameter gradients are sums that may cancel (a bias before BN has none), so what rounding the
/// terms can leave, 2^-23 sum |d_out|, is allowed there besides.
///
/// Slow (plain loops) and memory-hungry; for finding a wrong kernel or a wrong plan, not for
/// training. Compile the plan with reuse_memory off to rule the planner out, on to judge it too.
class ReferenceCheck final : public StepObserver {
 public:
  explicit ReferenceCheck(double tolerance = 2e-3) : tolerance_(tolerance) {}

  void before(const Plan& plan, const Plan::Step& step, const KernelArgs& args) override;
  void after(const Plan& plan, const Plan::Step& step, const KernelArgs& args) override;

  struct Finding {
    std::string what;  // "stage1.block0.conv1 backward d_in[0]"
    double difference = 0.0;
    double magnitude = 0.0;
  };
  /// Comparisons that failed, in the order of the steps.
  const std::vector<Finding>& findings() const { return findings_; }
  int comparisons() const { return comparisons_; }
  double largest_relative_difference() const { return largest_; }

 private:
  struct Twin;  // the node prepared on the reference backend, with its own saved bytes
  Twin& twin_of(const Plan& plan, int node);
  void compare(const std::string& what, const TensorView& got, const Tensor& wanted,
               double rounding = 0.0);

  double tolerance_;
  ReferenceBackend reference_;
  std::map<int, std::shared_ptr<Twin>> twins_;
  std::vector<Finding> findings_;
  int comparisons_ = 0;
  double largest_ = 0.0;
};

}  // namespace hadal

// The plainest way to run a graph: every node as the model wrote it, on the reference backend in
// double, every value in memory of its own, gradients in a map. What plans are judged against.
#pragma once

#include <map>
#include <vector>

#include "core/executor.h"
#include "core/reference/reference_backend.h"

namespace hadal::test {

struct NaiveResult {
  std::map<int, Tensor> values;     // by graph node; absent: did not run
  std::map<int, Tensor> gradients;  // by graph node; absent: no gradient arrived
};

/// `inputs` and `seeds` as for Executor, in float64. Parameter gradients go to `parameters`
/// (float64), zero where none.
NaiveResult run_naively(const Graph& graph, Parameters& parameters, std::int64_t batch,
                        bool training, std::span<const Feed> inputs, std::span<const Feed> seeds,
                        const GateMask& gates, const StepInfo& step = {});

}  // namespace hadal::test

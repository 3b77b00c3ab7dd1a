// What a sweep is expected to take: every net of it is measured once, as its runs would be started.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "launcher/plan/estimate.h"
#include "launcher/sweep_store.h"
#include "launcher/tools.h"

namespace hadal::launcher {

struct SweepEstimate {
  struct Run {
    std::string name;
    RunEstimate estimate;
  };
  std::vector<Run> runs;  // in the order of the plan
  int slots = 1;          // runs at a time on this machine
  /// Seconds: one after the other, and with `slots` at a time in the order of the plan.
  double serial_s() const;
  double packed_s() const;
  double macs() const;
};

struct SweepEstimateOptions {
  std::string program = {};  // whose `plan` is started under mpirun
  std::string mpirun = "mpirun";
  double measure_s = 2;  // of each net; 0: nothing is measured
  std::string device = "auto";
};

/// Throws what training_cost() throws, and IoError where ranks cannot be started.
SweepEstimate estimate_sweep(const SweepPlan& plan, const SweepEstimateOptions& options,
                             Tools& tools);

/// A line a run, then totals. `time_limit_s` of one attempt; 0: none.
std::vector<std::string> lines_of(const SweepEstimate& estimate, double time_limit_s);

}  // namespace hadal::launcher

// What a training is expected to take, from its spec and a few steps that were really run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dist/communicator.h"
#include "dist/exchange_cost.h"
#include "experiments/cost.h"
#include "experiments/step_probe.h"
#include "launcher/memory_limit.h"

namespace hadal::launcher {

struct RunEstimate {
  experiments::TrainingCost cost = {};
  int ranks = 1;
  dist::ExchangeCost exchange = {};  // of a rank, in a step
  /// None where nothing was measured.
  std::optional<experiments::StepProbe> probe = {};
  /// False where one rank's share of the work was measured alone.
  bool exchange_measured = true;
  int ranks_on_host = 1;    // on the fullest
  MemoryLimit memory = {};  // of the host with the least

  double training_s() const { return static_cast<double>(cost.steps) * probe->step_s; }
  double evaluation_s() const {
    return static_cast<double>(cost.evaluated_images) * probe->image_evaluation_s;
  }
  double total_s() const { return training_s() + evaluation_s(); }
  /// Of the ranks of one host; each holds the whole set.
  std::int64_t bytes_on_host() const { return ranks_on_host * (probe->bytes() + cost.data_bytes); }
  bool fits_memory() const { return bytes_on_host() <= memory.bytes; }
};

/// Collective. `measure_s` of 0 measures nothing. Of a group of one, `ranks` above 1 measures the
/// share of one of so many ranks.
RunEstimate estimate_run(const spec::ExperimentSpec& spec, dist::Communicator& comm, int ranks,
                         Backend& backend, double measure_s);

/// For people, a line each. `time_limit_s` 0: there is none.
std::vector<std::string> lines_of(const RunEstimate& estimate, double time_limit_s);

std::string to_json(const RunEstimate& estimate);
/// Throws DataError.
RunEstimate run_estimate_from_json(const std::string& text);

}  // namespace hadal::launcher

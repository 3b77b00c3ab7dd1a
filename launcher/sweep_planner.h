// From a sweep file to what SweepRunner runs.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "experiments/spec/resolve.h"
#include "launcher/strategy.h"
#include "launcher/sweep_store.h"

namespace hadal::launcher {

struct SweepOverrides {
  std::vector<std::string> set = {};  // "field.path=value", for every run
  int ranks = 0;                      // 0: as the sweep says
};

/// Reads, overrides and expands the sweep; its sweep_text holds the expected figures of all rows at
/// the top level, with row and column filled in. Of a strategy that adds draws of its own, the plan
/// has those it starts with and then those that `journal` says were drawn from the same axes.
/// Throws ConfigError and IoError as the spec does, ConfigError for an unknown strategy.
SweepPlan plan_sweep(const std::filesystem::path& file, const SweepOverrides& overrides = {},
                     const spec::Complete& complete = {},
                     const std::vector<JournalLine>& journal = {});

/// Draws of this sweep's random axes.
Candidates candidates_of(const std::filesystem::path& file, const SweepOverrides& overrides = {});

}  // namespace hadal::launcher

// From a sweep file to what SweepRunner runs.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "experiments/spec/resolve.h"
#include "launcher/sweep_store.h"

namespace hadal::launcher {

struct SweepOverrides {
  std::vector<std::string> set = {};  // "field.path=value", for every run
  int ranks = 0;                      // 0: as the sweep says
};

/// Reads, overrides and expands the sweep; its sweep_text holds the expected figures of all rows at
/// the top level, with row and column filled in. Throws ConfigError and IoError as the spec does.
SweepPlan plan_sweep(const std::filesystem::path& file, const SweepOverrides& overrides = {},
                     const spec::Complete& complete = {});

}  // namespace hadal::launcher

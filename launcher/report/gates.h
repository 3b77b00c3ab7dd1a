// How often the gates of nets were open: the share of training steps in which a block of a net with
// stochastic depth, or an input of a join with drop-path, was there.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "launcher/table.h"

namespace hadal::launcher::report {

struct GateShares {
  std::vector<std::string> names;
  std::vector<double> survival;  // the probability to be open
  std::vector<double> open;      // the share of the steps
  long long steps = 0;           // over all runs
};

/// Over all steps that runs of the cell recorded, finished or not. None where no run has gates.
std::optional<GateShares> gate_shares(const Table& table, const Cell& cell);

}  // namespace hadal::launcher::report

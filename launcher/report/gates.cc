#include "launcher/report/gates.h"

namespace hadal::launcher::report {

std::optional<GateShares> gate_shares(const Table& table, const Cell& cell) {
  std::optional<GateShares> shares;
  for (const std::size_t i : cell.runs) {
    if (!table.runs[i].record || !table.runs[i].record->gates) continue;
    const GateRecord& gates = *table.runs[i].record->gates;
    if (!shares) {
      shares = GateShares{.names = gates.names, .survival = gates.survival, .open = {}, .steps = 0};
      shares->open.resize(gates.names.size());
    }
    for (const GateRecord::Epoch& epoch : gates.epochs) {
      if (epoch.open.size() != shares->open.size()) continue;  // another net: mixed by --by
      for (std::size_t g = 0; g < epoch.open.size(); ++g)
        shares->open[g] += static_cast<double>(epoch.open[g]);
      shares->steps += epoch.steps;
    }
  }
  if (!shares || shares->steps == 0 || shares->survival.size() != shares->names.size())
    return std::nullopt;
  for (double& open : shares->open) open /= static_cast<double>(shares->steps);
  return shares;
}

}  // namespace hadal::launcher::report

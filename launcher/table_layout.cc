#include "launcher/table_layout.h"

#include <map>
#include <set>

#include <fmt/format.h>

#include "experiments/spec/load.h"

namespace hadal::launcher {
namespace {

struct Identity {
  std::string without_seed;  // spec hash
  std::uint64_t seed = 0;
};

Identity identity_of(const std::string& spec_text, const std::string& where) {
  spec::ExperimentSpec spec = spec::experiment_from_text(spec_text, where);
  const std::uint64_t seed = spec.seed();
  spec.clear_seed();
  return {spec::spec_hash(spec), seed};
}

/// Runs of the table by their specs without seeds; of the same seed one, a finished one if there
/// is.
std::map<std::string, std::map<std::uint64_t, RunRecord>> sorted(std::vector<RunRecord> runs) {
  std::map<std::string, std::map<std::uint64_t, RunRecord>> by_spec;
  for (RunRecord& run : runs) {
    const Identity identity = identity_of(run.spec_text, (run.folder / "spec.textproto").string());
    auto& of_spec = by_spec[identity.without_seed];
    const auto known = of_spec.find(identity.seed);
    if (known == of_spec.end() || (run.finished() && !known->second.finished()))
      of_spec.insert_or_assign(identity.seed, std::move(run));
  }
  return by_spec;
}

}  // namespace

Table table_in_layout(const SweepPlan& layout, std::vector<RunRecord> runs) {
  const spec::SweepSpec said = spec::sweep_from_text(layout.sweep_text, layout.name);
  Table table{.name = layout.name, .title = said.title(), .note = said.note(), .folder = {}};
  std::map<std::string, std::string> spec_of_hash;
  for (const PlannedRun& run : layout.runs)
    spec_of_hash[run.hash] = identity_of(run.spec_text, layout.name).without_seed;
  auto by_spec = sorted(std::move(runs));
  std::map<std::string, std::vector<std::size_t>> placed;  // rows of table.runs, by spec
  for (const PlannedCell& cell : layout.cells) {
    std::set<std::string> specs;
    for (const std::string& hash : cell.hashes) specs.insert(spec_of_hash.at(hash));
    std::vector<std::size_t> of_cell;
    for (const std::string& spec : specs) {
      if (const auto found = by_spec.extract(spec))
        for (auto& [seed, run] : found.mapped()) {
          placed[spec].push_back(table.runs.size());
          const std::string id = run.spec_hash, name = run.name;
          table.runs.push_back(table_run(std::move(run), id, name, static_cast<long long>(seed)));
        }
      of_cell.insert(of_cell.end(), placed[spec].begin(), placed[spec].end());
    }
    add_cell(table, cell.row, cell.column, std::move(of_cell),
             expected_of(said, cell.row, cell.column));
  }
  std::size_t elsewhere = 0;
  for (const auto& [spec, left] : by_spec) elsewhere += left.size();
  if (elsewhere > 0)
    table.note += fmt::format("{}{} run{} of specs that are not in this layout left out",
                              table.note.empty() ? "" : "; ", elsewhere, elsewhere == 1 ? "" : "s");
  return table;
}

}  // namespace hadal::launcher

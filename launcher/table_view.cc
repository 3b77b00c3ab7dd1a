#include "launcher/table_view.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fnmatch.h>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "experiments/spec/load.h"
#include "experiments/spec/sweep.h"

namespace hadal::launcher {
namespace {

bool matches(const std::string& name, const std::vector<std::string>& patterns) {
  return patterns.empty() ||
         std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
           return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
         });
}

void require_matches(const std::string& what, const std::vector<std::string>& patterns,
                     const std::vector<std::string>& names) {
  for (const std::string& pattern : patterns)
    if (std::none_of(names.begin(), names.end(),
                     [&](const std::string& name) { return matches(name, {pattern}); }))
      throw UsageError(unknown_name(what, pattern, names));
}

/// The value of every seed that finished in the cell.
std::map<long long, double> by_seed(const Table& table, const Cell& cell, Metric metric) {
  std::map<long long, std::vector<double>> values;
  for (const std::size_t i : cell.runs) {
    const TableRun& run = table.runs[i];
    if (run.state != RunState::kFinished || !run.seed) continue;
    if (const auto value = value_of(*run.record->result, metric))
      values[*run.seed].push_back(*value);
  }
  std::map<long long, double> means;
  for (const auto& [seed, of_seed] : values) means[seed] = summarize(of_seed)->mean;
  return means;
}

Table emptied(const Table& table) {
  Table empty{.name = table.name, .title = table.title, .note = table.note, .folder = table.folder};
  empty.is_layout = table.is_layout;
  return empty;
}

/// A copy of the cell in `kept` with those of its runs that stay. `moved` says where runs went.
void copy_cell(const Table& table, const Cell& cell, const std::vector<bool>& stays, Table& kept,
               std::map<std::size_t, std::size_t>& moved) {
  std::vector<std::size_t> runs;
  for (const std::size_t run : cell.runs) {
    if (!stays[run]) continue;
    const auto [at, is_new] = moved.try_emplace(run, kept.runs.size());
    if (is_new) kept.runs.push_back(table.runs[run]);
    runs.push_back(at->second);
  }
  if (runs.empty() && !cell.runs.empty() && !table.is_layout) return;
  add_cell(kept, cell.row, cell.column, std::move(runs), cell.expected);
  kept.cells.back().headline = cell.headline;
  kept.cells.back().is_built = cell.is_built;
}

bool meets(const TableRun& run, const std::vector<std::string>& conditions) {
  const spec::ExperimentSpec spec = spec::experiment_from_text(
      run.record->spec_text, (run.record->folder / "spec.textproto").string());
  return std::all_of(conditions.begin(), conditions.end(), [&](const std::string& condition) {
    try {
      return spec::holds(spec, condition);
    } catch (const ConfigError& error) {
      throw UsageError(fmt::format("--where: {}", error.what()));
    }
  });
}

Table where(const Table& table, const std::vector<std::string>& conditions) {
  Table kept = emptied(table);
  std::vector<bool> stays;
  std::size_t unasked = 0;
  for (const TableRun& run : table.runs) {
    unasked += !run.record;
    stays.push_back(run.record && meets(run, conditions));
  }
  std::map<std::size_t, std::size_t> moved;
  for (const Cell& cell : table.cells) copy_cell(table, cell, stays, kept, moved);
  kept.note +=
      fmt::format("{}only runs with {}", kept.note.empty() ? "" : "; ", join(conditions, " and "));
  if (unasked > 0)
    kept.note +=
        fmt::format("; {} that {} not started left out", unasked, unasked == 1 ? "has" : "have");
  return kept;
}

std::optional<Comparison> compare(const Table& table, const Cell& cell, const Cell& against) {
  Comparison comparison{.row = cell.row,
                        .against = against.row,
                        .column = cell.column,
                        .metric = cell.headline,
                        .test = {}};
  const auto theirs = by_seed(table, against, cell.headline);
  std::vector<double> a, b;
  for (const auto& [seed, value] : by_seed(table, cell, cell.headline))
    if (const auto at = theirs.find(seed); at != theirs.end()) {
      a.push_back(value);
      b.push_back(at->second);
    }
  const auto test = paired_test(a, b);
  if (!test) return std::nullopt;
  comparison.test = *test;
  return comparison;
}

}  // namespace

Table selected(const Table& table, const std::vector<std::string>& rows,
               const std::vector<std::string>& columns) {
  require_matches("row", rows, table.rows);
  require_matches("column", columns, table.columns);
  Table kept = emptied(table);
  const std::vector<bool> stays(table.runs.size(), true);
  std::map<std::size_t, std::size_t> moved;
  for (const Cell& cell : table.cells)
    if (matches(cell.row, rows) && matches(cell.column, columns))
      copy_cell(table, cell, stays, kept, moved);
  return kept;
}

std::vector<Table> where(const std::vector<Table>& tables,
                         const std::vector<std::string>& conditions) {
  std::vector<Table> kept;
  for (const Table& table : tables)
    if (Table left = where(table, conditions); !left.runs.empty() || left.is_layout)
      kept.push_back(std::move(left));
  if (kept.empty())
    throw UsageError(
        fmt::format("--where: no run that has started has {}; see hadal table "
                    "without it for what there is",
                    join(conditions, " and ")));
  return kept;
}

void compare_rows(Table& table, const std::string& row) {
  if (std::find(table.rows.begin(), table.rows.end(), row) == table.rows.end())
    throw UsageError(unknown_name("row", row, table.rows));
  table.comparisons.clear();
  for (const Cell& against : table.cells) {
    if (against.row != row) continue;
    for (const Cell& cell : table.cells)
      if (cell.row != row && cell.column == against.column)
        if (auto comparison = compare(table, cell, against))
          table.comparisons.push_back(*std::move(comparison));
  }
}

}  // namespace hadal::launcher

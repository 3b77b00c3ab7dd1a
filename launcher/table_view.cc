#include "launcher/table_view.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fnmatch.h>

#include "core/base/error.h"
#include "core/base/strings.h"

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

/// The value of every finished run of the cell, by seed.
std::map<long long, double> by_seed(const Table& table, const Cell& cell, Metric metric) {
  std::map<long long, double> values;
  for (const std::size_t i : cell.runs) {
    const TableRun& run = table.runs[i];
    if (run.state != RunState::kFinished || !run.seed) continue;
    if (const auto value = value_of(*run.record->result, metric)) values[*run.seed] = *value;
  }
  return values;
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
  Table kept{.name = table.name, .title = table.title, .note = table.note, .folder = table.folder};
  std::map<std::size_t, std::size_t> moved;
  for (const Cell& cell : table.cells) {
    if (!matches(cell.row, rows) || !matches(cell.column, columns)) continue;
    std::vector<std::size_t> runs;
    for (const std::size_t run : cell.runs) {
      const auto [at, is_new] = moved.try_emplace(run, kept.runs.size());
      if (is_new) kept.runs.push_back(table.runs[run]);
      runs.push_back(at->second);
    }
    add_cell(kept, cell.row, cell.column, std::move(runs), cell.expected);
  }
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

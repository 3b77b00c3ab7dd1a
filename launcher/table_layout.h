// A published table as a layout: its lines and columns with the papers' figures, filled with
// whatever runs there are, and blank where nothing was run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "launcher/sweep_store.h"
#include "launcher/table.h"

namespace hadal::launcher {

struct LayoutCell {
  std::string row, column;
  std::vector<std::string> specs;  // what belongs here: hashes without seed and shards
  std::vector<Expected> expected = {};
  std::optional<Metric> metric = {};  // what the cell shows; none: what its figures are about
};

struct Layout {
  std::string name, title, note;
  std::vector<LayoutCell> cells;
};

/// The layouts that the program carries: "fractalnet-table1", "stochastic-depth-table1", "table2".
std::vector<std::string> layout_names();

/// One of those, or a file: a layout (experiments/spec/layout.proto), or a sweep, whose cells and
/// expected figures are taken. Throws UsageError for a name that is neither, ConfigError and
/// IoError for files that cannot be read.
Layout find_layout(const std::string& name_or_file);

/// The cells of a sweep and what it expects of them.
Layout layout_of(const SweepPlan& plan);

/// A run belongs to a cell when its spec is the cell's in all but the seed and the number of
/// logical shards, which follows from the machine; a cell in which runs of several numbers meet
/// says so in the table's note. Runs of no cell are left out and counted there. Throws ConfigError
/// for specs of runs that cannot be read.
Table table_in_layout(const Layout& layout, std::vector<RunRecord> runs);

}  // namespace hadal::launcher

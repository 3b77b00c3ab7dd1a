// A published table as a layout: the cells and the papers' figures of a sweep, filled with whatever
// runs there are, and blank where nothing was run.
#pragma once

#include <vector>

#include "launcher/sweep_store.h"
#include "launcher/table.h"

namespace hadal::launcher {

/// A run belongs to a cell when its spec is the cell's in all but the seed; it need not come from a
/// sweep of that name. Runs of no cell are left out and counted in the table's note. Throws
/// ConfigError for texts of the layout or of a run that cannot be read.
Table table_in_layout(const SweepPlan& layout, std::vector<RunRecord> runs);

}  // namespace hadal::launcher

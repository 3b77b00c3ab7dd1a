// What of a table is looked at, and which of its rows the others are compared with.
#pragma once

#include <string>
#include <vector>

#include "launcher/table.h"

namespace hadal::launcher {

/// Only the rows and columns that match one of the patterns ('*' and '?' as in file names); all
/// where there are none. Runs of no cell that is left go too. Throws UsageError for a pattern that
/// matches nothing, naming what there is.
Table selected(const Table& table, const std::vector<std::string>& rows,
               const std::vector<std::string>& columns);

/// Fills table.comparisons: every other row against `row`, column by column, over the seeds that
/// finished in both. Throws UsageError for a row that is not there.
void compare_rows(Table& table, const std::string& row);

}  // namespace hadal::launcher

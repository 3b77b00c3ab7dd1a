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

/// Only the runs whose resolved spec meets every condition ("model.depth>=20", as a sweep's
/// `skip`), and the cells that keep one; of a layout all cells. Runs that have not started have no
/// spec to ask: they go, and the table's note counts them. Throws UsageError for a condition that
/// cannot be read and where no run of any table is left.
std::vector<Table> where(const std::vector<Table>& tables,
                         const std::vector<std::string>& conditions);

/// Fills table.comparisons: every other row against `row`, column by column, over the seeds that
/// finished in both; of several runs of one seed in a cell their mean is taken. Throws UsageError
/// for a row that is not there.
void compare_rows(Table& table, const std::string& row);

}  // namespace hadal::launcher

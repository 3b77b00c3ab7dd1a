// From folders on a command line to tables.
#pragma once

#include <filesystem>
#include <vector>

#include "launcher/table.h"

namespace hadal::launcher {

/// One table for every sweep, and one for all runs that stand outside of sweeps, grouped by
/// their spec without its seed. A folder is a sweep, a run, or holds runs and sweeps.
///
/// `how` is kResult or, with the runs' metrics, kAll. Throws IoError (missing input) for a folder
/// that is none of these, and as read_sweep() and read_run() do.
std::vector<Table> read_tables(const std::vector<std::filesystem::path>& folders,
                               ReadRuns how = ReadRuns::kAll);

/// Every run in these folders, those of sweeps that have started included; without their metrics.
/// Throws as read_tables().
std::vector<RunRecord> read_runs(const std::vector<std::filesystem::path>& folders);

/// One table of all these runs, whatever sweep they come from: runs that agree in the values of the
/// fields `by` make a row, those of `across` a column; both as "model.depth", "data.name". Rows are
/// sorted by those values. Where a cell holds runs that differ in more than the seed, the table's
/// note names the fields. Throws UsageError for a field that no spec has.
Table grouped(std::vector<RunRecord> runs, const std::vector<std::string>& by,
              const std::vector<std::string>& across);

/// The table of runs that belong to no sweep: runs whose specs differ in nothing but the seed make
/// one row, and a run found in several folders counts once. Rows are named after their specs, and
/// where those names are equal, after the fields in which the specs differ.
Table table_of(std::vector<RunRecord> runs);

}  // namespace hadal::launcher

// Where the time of the trainings of a table went, as tables of HTML.
#pragma once

#include <string>

#include "launcher/table.h"

namespace hadal::launcher::report {

/// Time, images a second and multiply-adds of an epoch, row by row; "" where no run has an epoch.
std::string speeds(const Table& table);

/// Seconds a step by phase, as one bar for every row and host with least, median and most over the
/// ranks; "" where no run recorded them.
std::string phases(const Table& table);

}  // namespace hadal::launcher::report

// What the runs of a table were told and where they ran, as HTML.
#pragma once

#include <string>

#include "launcher/table.h"

namespace hadal::launcher::report {

/// What the specs of all rows have in common, in what each differs, and where rows are few each
/// spec whole; "" where no run has one.
std::string specs(const Table& table);

/// Keys of the environment with the values found; "" where no run has any.
std::string environments(const Table& table);

}  // namespace hadal::launcher::report

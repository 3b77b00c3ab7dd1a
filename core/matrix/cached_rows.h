// Rows that are made once.
#pragma once

#include <memory>

#include "core/matrix/row_source.h"

namespace hadal::matrix {

/// `source`, whose rows take work to make (text to parse, pictures to decode), with those that were
/// read once kept in a temporary file without a name, so that further passes cost a read. Memory
/// stays as it is. Where the folder for temporary files (TMPDIR) has no room for all rows, `source`
/// itself.
std::unique_ptr<RowSource> cached(std::unique_ptr<RowSource> source);

}  // namespace hadal::matrix

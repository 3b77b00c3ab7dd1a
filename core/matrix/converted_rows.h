// Rows in another element type.
#pragma once

#include <memory>

#include "core/matrix/row_source.h"

namespace hadal::matrix {

/// `source` with `element`: wider ones hold every value, float64 to float32 rounds to nearest;
/// `source` itself when it is of that type already. Throws ConfigError for floats as u8.
std::unique_ptr<RowSource> converted(std::unique_ptr<RowSource> source, Element element);

}  // namespace hadal::matrix

// Several matrices as one: more rows.
#pragma once

#include <memory>
#include <vector>

#include "core/matrix/row_source.h"

namespace hadal::matrix {

/// The rows of `parts` one after another, so that cutting a matrix into files changes nothing.
/// Parts of different elements become the widest of them, which changes no value. Labels are kept
/// when every part has them, by name. Throws ConfigError for parts of different columns or
/// pictures.
std::unique_ptr<RowSource> joined(std::vector<std::unique_ptr<RowSource>> parts);

}  // namespace hadal::matrix

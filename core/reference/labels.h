#pragma once

#include <cstdint>
#include <string>

#include "core/tensor.h"

namespace hadal::reference {

/// The label of sample n. Throws DataError unless it is one of 0..classes-1.
std::int32_t label_at(const TensorView& labels, std::int64_t n, std::int64_t classes,
                      const std::string& node);

}  // namespace hadal::reference

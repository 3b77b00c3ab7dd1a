#include "core/reference/labels.h"

#include <fmt/format.h>

#include "core/base/error.h"

namespace hadal::reference {

std::int32_t label_at(const TensorView& labels, std::int64_t n, std::int64_t classes,
                      const std::string& node) {
  const std::int32_t label = labels.as<std::int32_t>()[n];
  if (label < 0 || label >= classes)
    throw DataError(
        fmt::format("{}: sample {} has label {}, wanted 0..{}", node, n, label, classes - 1));
  return label;
}

}  // namespace hadal::reference

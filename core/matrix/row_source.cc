#include "core/matrix/row_source.h"

namespace hadal::matrix {

const std::byte* RowSource::in_place(std::int64_t, std::int64_t) const { return nullptr; }

void RowSource::release(std::int64_t, std::int64_t) const {}

}  // namespace hadal::matrix

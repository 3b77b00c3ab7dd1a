#include "core/shape.h"

#include <fmt/format.h>

#include "core/base/error.h"

namespace hadal {

Shape::Shape(std::initializer_list<std::int64_t> extents)
    : Shape(std::span<const std::int64_t>(extents.begin(), extents.size())) {}

Shape::Shape(std::span<const std::int64_t> extents) : rank_(static_cast<int>(extents.size())) {
  HADAL_CHECK(rank_ <= kMaxRank);
  for (int axis = 0; axis < rank_; ++axis) {
    HADAL_CHECK(extents[axis] >= 0);
    extents_[axis] = extents[axis];
  }
}

std::int64_t Shape::operator[](int axis) const {
  HADAL_CHECK(axis >= 0 && axis < rank_);
  return extents_[axis];
}

std::int64_t Shape::elements() const {
  std::int64_t product = 1;
  for (const std::int64_t extent : extents())
    if (__builtin_mul_overflow(product, extent, &product))
      throw ShapeError(fmt::format("{} is more than can be counted", to_string()));
  return product;
}

Shape Shape::with_batch(std::int64_t n) const {
  HADAL_CHECK(rank_ > 0);
  Shape shape = *this;
  shape.extents_[0] = n;
  return shape;
}

std::string Shape::to_string() const { return fmt::format("{}", fmt::join(extents(), "x")); }

}  // namespace hadal

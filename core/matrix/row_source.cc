#include "core/matrix/row_source.h"

#include <fmt/format.h>

#include "core/base/error.h"

namespace hadal::matrix {

void RowSource::set_picture(const PictureShape& picture) {
  const std::int64_t elements = std::int64_t{picture.height} * picture.width * picture.channels;
  if (picture.height < 1 || picture.width < 1 || (picture.channels != 1 && picture.channels != 3) ||
      elements != cols_)
    throw ConfigError(fmt::format("{}: a row of {} elements is no picture of {}x{}x{}", name_,
                                  cols_, picture.height, picture.width, picture.channels));
  picture_ = picture;
}

void RowSource::describe_as(const RowSource& other) {
  name_ = other.name();
  rows_ = other.rows();
  cols_ = other.cols();
  element_ = other.element();
  picture_ = other.picture();
  labels_ = other.labels();
  label_names_ = other.label_names();
}

const std::byte* RowSource::in_place(std::int64_t, std::int64_t) const { return nullptr; }

void RowSource::release(std::int64_t, std::int64_t) const {}

}  // namespace hadal::matrix

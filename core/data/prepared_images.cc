#include "core/data/prepared_images.h"

#include <fmt/format.h>

#include "core/base/error.h"

namespace hadal::data {

PreparedImages::PreparedImages(const ImageSet& images, const Preprocessor& preprocessor)
    : images_(images), preprocessor_(preprocessor) {
  const int border = preprocessor.border();
  if (images.height + 2 * border != height() || images.width + 2 * border != width() ||
      images.channels != channels())
    throw ShapeError(fmt::format(
        "images of {}x{}x{} with a border of {}, but the preprocessing was fitted for {}x{}x{}",
        images.height, images.width, images.channels, border, height(), width(), channels()));
  if (border > 0) with_border_ = padded(images, border);
  if (preprocessor_.is_elementwise()) return;
  values_.resize(static_cast<std::size_t>(count() * elements()));
  preprocessor_.apply(source().pixels.data(), count(), values_.data());
  with_border_ = {};
}

const float* PreparedImages::read(std::int64_t image, float* scratch) const {
  if (!values_.empty()) return values_.data() + image * elements();
  preprocessor_.apply(source().image(image), 1, scratch);
  return scratch;
}

}  // namespace hadal::data

#include "core/data/prepared_images.h"

#include <fmt/format.h>

#include "core/backend.h"
#include "core/base/error.h"
#include "core/data/image_gather.h"

namespace hadal::data {
namespace {

template <typename T>
Tensor copy_on(Device* device, const Shape& shape, const std::vector<T>& values) {
  Tensor there(shape, dtype_of<T>(), Layout::kNhwc, device);
  device->upload(reinterpret_cast<const std::byte*>(values.data()),
                 reinterpret_cast<std::byte*>(there.as<T>()), there.view().bytes());
  return there;
}

}  // namespace

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

bool PreparedImages::place_on(Backend& backend) {
  Device* const device = backend.device();
  if (!device || count() == 0) return false;
  const std::size_t bytes =
      values_.empty() ? source().pixels.size() : values_.size() * sizeof(float);
  if (static_cast<double>(bytes) > kShareOfDevice * static_cast<double>(device->free_bytes()))
    return false;
  const Shape all = {count(), height(), width(), channels()};
  if (values_.empty()) {
    const Preprocessor::Elementwise elementwise = preprocessor_.elementwise();
    pixels_there_ = copy_on(device, all, source().pixels);
    scale_there_ = copy_on(device, all.with_batch(1), elementwise.scale);
    offset_there_ = copy_on(device, all.with_batch(1), elementwise.offset);
  } else {
    pixels_there_ = copy_on(device, all, values_);
  }
  backend_ = &backend;
  return true;
}

void PreparedImages::gather(const TensorView& samples, const Augmentation& augmentation,
                            const TensorView& images) const {
  HADAL_CHECK(backend_);
  backend_->gather_images({.pixels = pixels_there_.view(),
                           .scale = scale_there_.view(),
                           .offset = offset_there_.view(),
                           .samples = samples,
                           .padding = augmentation.padding,
                           .cutout = augmentation.cutout,
                           .images = images});
}

}  // namespace hadal::data

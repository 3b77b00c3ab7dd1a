// The images of a batch out of a whole set that lies where a backend's kernels work: what each
// element is, written once for every device. The host's loader does the same an image at a time
// (augment.h), to the same bits.
#pragma once

#include <cstdint>

#include "core/base/portable.h"
#include "core/data/augment.h"
#include "core/tensor.h"

namespace hadal::data {

/// A sample as kernels read it: the image's index in the set, then the members of AugmentationDraw.
inline constexpr std::int64_t kSampleColumns = 6;

inline void write_sample(std::int64_t image, const AugmentationDraw& draw, std::int32_t* columns) {
  columns[0] = static_cast<std::int32_t>(image);
  columns[1] = draw.shift_y;
  columns[2] = draw.shift_x;
  columns[3] = draw.mirrored ? 1 : 0;
  columns[4] = draw.cut_y;
  columns[5] = draw.cut_x;
}
HADAL_PORTABLE inline AugmentationDraw draw_of(const std::int32_t* columns) {
  return {columns[1], columns[2], columns[3] != 0, columns[4], columns[5]};
}

/// Every image of a batch is one of the set, normalised, then changed as its sample says:
///
///   images[n,y,x,c] = pixels[i,y',x',c] * scale[y',x',c] + offset[y',x',c]
///     y' = y + shift_y,  x' = (mirrored ? W - 1 - x : x) + shift_x
///
/// where places beyond the border are as `padding` says, and zero in the square of side `cutout`
/// around (cut_y, cut_x). Padding and square are zero after normalising.
struct ImageGather {
  TensorView pixels;         // count x H x W x C; uint8, or float32 that is normalised already
  TensorView scale, offset;  // H x W x C, float32; absent for pixels in float32
  TensorView samples;        // n x kSampleColumns, int32; each image in [0, count)
  Padding padding = Padding::kZero;
  int cutout = 0;
  TensorView images;  // n x H x W x C, float32; written
};

/// ImageGather's formula.
class GatheredElement {
 public:
  explicit GatheredElement(const ImageGather& gather)
      : bytes_(gather.pixels.type == DType::kUint8 ? gather.pixels.as<std::uint8_t>() : nullptr),
        floats_(bytes_ ? nullptr : gather.pixels.as<float>()),
        scale_(bytes_ ? gather.scale.as<float>() : nullptr),
        offset_(bytes_ ? gather.offset.as<float>() : nullptr),
        samples_(gather.samples.as<std::int32_t>()),
        height_(static_cast<int>(gather.pixels.shape.h())),
        width_(static_cast<int>(gather.pixels.shape.w())),
        channels_(static_cast<int>(gather.pixels.shape.c())),
        padding_(gather.padding),
        cutout_(gather.cutout) {}

  /// Element i of `images`.
  HADAL_PORTABLE float operator()(std::int64_t i) const {
    const std::int64_t per_image = std::int64_t{height_} * width_ * channels_;
    const std::int32_t* const sample = samples_ + i / per_image * kSampleColumns;
    const AugmentationDraw draw = draw_of(sample);
    const int e = static_cast<int>(i % per_image);
    const int y = e / channels_ / width_, x = e / channels_ % width_, c = e % channels_;
    if (is_cut(y - draw.cut_y) && is_cut(x - draw.cut_x)) return 0;
    const int unmirrored_x = draw.mirrored ? width_ - 1 - x : x;
    const int from_y = source_of(y + draw.shift_y, height_, padding_);
    const int from_x = source_of(unmirrored_x + draw.shift_x, width_, padding_);
    if (from_y < 0 || from_x < 0) return 0;
    const int from = (from_y * width_ + from_x) * channels_ + c;
    const std::int64_t at = sample[0] * per_image + from;
    if (!bytes_) return floats_[at];
    return static_cast<float>(bytes_[at]) * scale_[from] + offset_[from];
  }

 private:
  HADAL_PORTABLE bool is_cut(int from_centre) const {
    return from_centre >= -(cutout_ / 2) && from_centre < cutout_ - cutout_ / 2;
  }

  const std::uint8_t* bytes_;
  const float* floats_;
  const float *scale_, *offset_;
  const std::int32_t* samples_;
  int height_, width_, channels_;
  Padding padding_;
  int cutout_;
};

}  // namespace hadal::data

// Random changes of a training image. Every draw is a function of (seed, purpose, epoch, image), so
// an image looks the same in an epoch whatever rank, thread or restart it meets.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/portable.h"

namespace hadal::data {

/// What lies beyond the image: zeros (in normalised values, so the mean), the image mirrored at its
/// border pixels (which are not repeated), or its border pixels repeated.
enum class Padding { kZero, kReflect, kEdge };

/// "zero", "reflect", "edge". Throws ConfigError for others.
Padding padding_of(std::string_view name);

/// Position in [0, size) that stands for `i`, less than `size` outside of it; -1 for zeros.
HADAL_PORTABLE inline int source_of(int i, int size, Padding padding) {
  if (i >= 0 && i < size) return i;
  switch (padding) {
    case Padding::kZero:
      return -1;
    case Padding::kReflect:
      return i < 0 ? -i : 2 * (size - 1) - i;
    case Padding::kEdge:
      return i < 0 ? 0 : size - 1;
  }
  return -1;
}

/// The default changes nothing.
struct Augmentation {
  /// Pad by `pad` on each side and take a random window of the old size: a shift by -pad to pad on
  /// each axis, as in He et al. 2015 and Huang et al. 2016 (pad 4, zero).
  int pad = 0;
  Padding padding = Padding::kZero;
  /// Swap left and right with probability 1/2.
  bool mirror = false;
  /// Side of a square of zeros centred on a random pixel, cut by the borders; 0 for none.
  /// Source: DeVries & Taylor 2017 (16 for CIFAR-10, 8 for CIFAR-100).
  int cutout = 0;

  bool changes_anything() const { return pad > 0 || mirror || cutout > 0; }
};

/// Throws ConfigError unless the numbers fit images of this size.
void require_valid(const Augmentation& augmentation, int height, int width);

/// One image's draws.
struct AugmentationDraw {
  int shift_y = 0, shift_x = 0;  // out[y][x] = in[y + shift_y][x + shift_x]
  bool mirrored = false;         // then x -> width - 1 - x
  int cut_y = 0, cut_x = 0;      // centre of the cut-out square
};
AugmentationDraw draw_augmentation(const Augmentation& augmentation, std::uint64_t seed,
                                   std::int64_t epoch, std::int64_t image, int height, int width);

/// in, out: height x width x channels, not the same.
void apply_augmentation(const Augmentation& augmentation, const AugmentationDraw& draw,
                        const float* in, int height, int width, int channels, float* out);

}  // namespace hadal::data

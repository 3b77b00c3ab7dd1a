#include "core/data/augment.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/random.h"
#include "core/base/strings.h"

namespace hadal::data {
namespace {

// out[x] = row[x + shift] for pixels of `channels` floats.
void shift_row(const float* row, int width, int channels, int shift, Padding padding, float* out) {
  const int inside_begin = std::max(0, -shift), inside_end = std::min(width, width - shift);
  const auto outside = [&](int x) {
    const int source = source_of(x + shift, width, padding);
    if (source < 0)
      std::fill_n(out + x * channels, channels, 0.0f);
    else
      std::copy_n(row + source * channels, channels, out + x * channels);
  };
  for (int x = 0; x < inside_begin; ++x) outside(x);
  std::copy(row + (inside_begin + shift) * channels, row + (inside_end + shift) * channels,
            out + inside_begin * channels);
  for (int x = inside_end; x < width; ++x) outside(x);
}

template <int kChannels>
void mirror_row(float* row, int width, int channels_at_run_time) {
  const int channels = kChannels > 0 ? kChannels : channels_at_run_time;
  float* left = row;
  float* right = row + (width - 1) * channels;
  for (; left < right; left += channels, right -= channels)
    for (int c = 0; c < channels; ++c) std::swap(left[c], right[c]);
}

void cut_out(const Augmentation& a, const AugmentationDraw& draw, int height, int width,
             int channels, float* image) {
  const int top = std::max(0, draw.cut_y - a.cutout / 2);
  const int bottom = std::min(height, draw.cut_y - a.cutout / 2 + a.cutout);
  const int left = std::max(0, draw.cut_x - a.cutout / 2);
  const int right = std::min(width, draw.cut_x - a.cutout / 2 + a.cutout);
  for (int y = top; y < bottom; ++y)
    std::fill(image + (y * width + left) * channels, image + (y * width + right) * channels, 0.0f);
}

}  // namespace

Padding padding_of(std::string_view name) {
  const std::vector<std::string> known = {"edge", "reflect", "zero"};
  if (name == "zero") return Padding::kZero;
  if (name == "reflect") return Padding::kReflect;
  if (name == "edge") return Padding::kEdge;
  throw ConfigError(unknown_name("padding", name, known));
}

void require_valid(const Augmentation& a, int height, int width) {
  const int side = std::min(height, width);
  if (a.pad < 0 || a.pad >= side)
    throw ConfigError(fmt::format("augmentation: pad {} of images of {}x{}, wanted 0 to {}", a.pad,
                                  height, width, side - 1));
  if (a.cutout < 0 || a.cutout > 2 * std::max(height, width))
    throw ConfigError(fmt::format("augmentation: cutout {} of images of {}x{}, wanted 0 to {}",
                                  a.cutout, height, width, 2 * std::max(height, width)));
}

AugmentationDraw draw_augmentation(const Augmentation& a, std::uint64_t seed, std::int64_t epoch,
                                   std::int64_t image, int height, int width) {
  const auto stream = [&](random::Purpose purpose) {
    return random::Stream{.seed = seed,
                          .purpose = purpose,
                          .a = static_cast<std::uint64_t>(epoch),
                          .b = static_cast<std::uint64_t>(image)};
  };
  const auto below = [](std::uint32_t word, int n) {
    return static_cast<int>((std::uint64_t{word} * static_cast<std::uint64_t>(n)) >> 32);
  };
  AugmentationDraw draw;
  if (a.pad > 0) {
    const auto words = random::block(stream(random::Purpose::kCrop), 0);
    draw.shift_y = below(words[0], 2 * a.pad + 1) - a.pad;
    draw.shift_x = below(words[1], 2 * a.pad + 1) - a.pad;
  }
  if (a.mirror) draw.mirrored = random::bits(stream(random::Purpose::kMirror)) >> 31;
  if (a.cutout > 0) {
    const auto words = random::block(stream(random::Purpose::kCutout), 0);
    draw.cut_y = below(words[0], height);
    draw.cut_x = below(words[1], width);
  }
  return draw;
}

void apply_augmentation(const Augmentation& a, const AugmentationDraw& draw, const float* in,
                        int height, int width, int channels, float* out) {
  const int row = width * channels;
  for (int y = 0; y < height; ++y) {
    float* to = out + y * row;
    const int source = source_of(y + draw.shift_y, height, a.padding);
    if (source < 0) {
      std::fill_n(to, row, 0.0f);
      continue;
    }
    shift_row(in + source * row, width, channels, draw.shift_x, a.padding, to);
    if (!draw.mirrored) continue;
    if (channels == 3)
      mirror_row<3>(to, width, channels);
    else
      mirror_row<0>(to, width, channels);
  }
  if (a.cutout > 0) cut_out(a, draw, height, width, channels, out);
}

}  // namespace hadal::data

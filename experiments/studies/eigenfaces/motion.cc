#include "experiments/studies/eigenfaces/motion.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "core/base/error.h"

namespace hadal::eigenfaces {
namespace {

// Sums of differences over every rectangle that begins in the corner.
std::vector<std::int64_t> corner_sums(const image::Image& before, const image::Image& now) {
  const auto stride = static_cast<std::size_t>(now.width) + 1;
  std::vector<std::int64_t> sums(stride * (static_cast<std::size_t>(now.height) + 1));
  std::size_t pixel = 0;
  for (std::size_t y = 1; y <= static_cast<std::size_t>(now.height); ++y) {
    std::int64_t row = 0;
    for (std::size_t x = 1; x < stride; ++x, ++pixel) {
      row += std::abs(int{now.pixels[pixel]} - int{before.pixels[pixel]});
      sums[y * stride + x] = sums[(y - 1) * stride + x] + row;
    }
  }
  return sums;
}

std::vector<bool> moved(const image::Image& before, const image::Image& now,
                        const MotionOptions& options) {
  const std::vector<std::int64_t> sums = corner_sums(before, now);
  const auto sum_to = [&](int y, int x) {
    return sums[static_cast<std::size_t>(y) * (static_cast<std::size_t>(now.width) + 1) +
                static_cast<std::size_t>(x)];
  };
  const int reach = options.blur / 2;
  std::vector<bool> result;
  for (int y = 0; y < now.height; ++y)
    for (int x = 0; x < now.width; ++x) {
      const int top = std::max(y - reach, 0), bottom = std::min(y + reach + 1, now.height);
      const int left = std::max(x - reach, 0), right = std::min(x + reach + 1, now.width);
      const std::int64_t sum =
          sum_to(bottom, right) - sum_to(top, right) - sum_to(bottom, left) + sum_to(top, left);
      result.push_back(static_cast<double>(sum) >
                       options.threshold * (bottom - top) * (right - left));
    }
  return result;
}

// The blob of a pixel, whose pixels are then no longer marked.
Blob take_blob(std::vector<bool>& marked, int height, int width, int y, int x) {
  const auto at = [&](int v, int u) { return static_cast<std::size_t>(v * width + u); };
  std::vector<std::pair<int, int>> open{{y, x}};
  marked[at(y, x)] = false;
  int top = y, bottom = y, left = x, right = x, pixels = 0;
  while (!open.empty()) {
    const auto [v, u] = open.back();
    open.pop_back();
    ++pixels;
    top = std::min(top, v), bottom = std::max(bottom, v);
    left = std::min(left, u), right = std::max(right, u);
    for (int r = std::max(v - 1, 0); r <= std::min(v + 1, height - 1); ++r)
      for (int c = std::max(u - 1, 0); c <= std::min(u + 1, width - 1); ++c)
        if (marked[at(r, c)]) {
          marked[at(r, c)] = false;
          open.emplace_back(r, c);
        }
  }
  return {.box = {static_cast<double>(left), static_cast<double>(top), right - left + 1.0,
                  bottom - top + 1.0},
          .pixels = pixels};
}

}  // namespace

std::vector<Blob> moving_blobs(const image::Image& before, const image::Image& now,
                               const MotionOptions& options) {
  if (before.channels != 1 || now.channels != 1 || before.height != now.height ||
      before.width != now.width)
    throw ShapeError(fmt::format(
        "motion: a picture of {}x{} pixels and {} channels after one of {}x{} and {}; wanted grey "
        "pictures of one size",
        now.width, now.height, now.channels, before.width, before.height, before.channels));
  std::vector<bool> marked = moved(before, now, options);
  std::vector<Blob> blobs;
  for (int y = 0; y < now.height; ++y)
    for (int x = 0; x < now.width; ++x)
      if (marked[static_cast<std::size_t>(y * now.width + x)])
        blobs.push_back(take_blob(marked, now.height, now.width, y, x));
  std::erase_if(blobs, [&](const Blob& blob) {
    return blob.pixels < options.least_area * now.height * now.width;
  });
  std::ranges::stable_sort(blobs, std::greater{}, &Blob::pixels);
  return blobs;
}

}  // namespace hadal::eigenfaces

#include "experiments/studies/eigenfaces/face_correlation.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "core/base/error.h"

namespace hadal::eigenfaces {
namespace {

int batches_of(int count, int size) { return (count + size - 1) / size; }

float shifted(const image::Image& picture, int y, int x) {
  return static_cast<float>(
             picture.pixels[static_cast<std::size_t>(y) * static_cast<std::size_t>(picture.width) +
                            static_cast<std::size_t>(x)]) -
         static_cast<float>(kGrey);
}

}  // namespace

PictureSize windows_of(const image::Image& picture, int height, int width) {
  if (picture.channels != 1)
    throw ShapeError(
        fmt::format("face map: the picture has {} channels, wanted 1", picture.channels));
  if (picture.height < height || picture.width < width)
    throw ShapeError(
        fmt::format("face map: the picture has {}x{} pixels, fewer than the {}x{} of a window",
                    picture.width, picture.height, width, height));
  return {picture.height - height + 1, picture.width - width + 1};
}

namespace {

std::size_t area(PictureSize size) {
  return static_cast<std::size_t>(size.height) * static_cast<std::size_t>(size.width);
}

// Longer transforms leave the caches.
constexpr int kLongestTile = 512;
// kDirectTemplates products with one window; butterflies on tiles larger than a core's cache.
constexpr double kStepsOfDirect = 1.8, kStepsBeyondCache = 1.6;
constexpr std::size_t kCacheBytes = std::size_t{1} << 20;

// Steps of one inverse transform, its first product included.
double transform_steps(int length) {
  double steps = 0;
  for (const int radix : radices_of(length))
    steps += length * (radix == 2 ? 2.4 : radix == 3 ? 3.0 : radix == 4 ? 3.4 : 5.0);
  return steps;
}

// Template i of k squared ones and the linear one.
std::span<const float> template_of(const FaceTemplates& templates, int i) {
  const auto n = static_cast<std::size_t>(templates.n());
  if (i == templates.k()) return templates.linear;
  return std::span(templates.squared).subspan(static_cast<std::size_t>(i) * n, n);
}

// Templates that are squared with one sign are paired with each other; the linear one is last.
int pairs_of(const FaceTemplates& templates) {
  return (templates.positive + 1) / 2 + (templates.k() - templates.positive + 1) / 2 + 1;
}

struct Pair {
  int first, second;  // templates; second -1: none
  float gain;         // of its squares
};

Pair pair_at(const FaceTemplates& templates, int pair) {
  const int positive_pairs = (templates.positive + 1) / 2;
  if (pair == pairs_of(templates) - 1) return {templates.k(), -1, 0};
  const bool positive = pair < positive_pairs;
  const int first = positive ? 2 * pair : templates.positive + 2 * (pair - positive_pairs);
  const int end = positive ? templates.positive : templates.k();
  return {first, first + 1 < end ? first + 1 : -1, positive ? 1.0f : -1.0f};
}

std::vector<int> smooth_lengths(int from, int to) {
  std::vector<int> lengths;
  for (int length = smooth_length(from); length <= to; length = smooth_length(length + 1))
    lengths.push_back(length);
  return lengths;
}

}  // namespace

double direct_steps(const FaceTemplates& templates, PictureSize picture) {
  const int rows = picture.height - templates.height + 1;
  const int strips = batches_of(picture.width - templates.width + 1, kLanes);
  return static_cast<double>(rows) * strips * templates.n() *
         batches_of(templates.k() + 1, kDirectTemplates) * kStepsOfDirect;
}

double fourier_steps(const FaceTemplates& templates, PictureSize picture, PictureSize tile) {
  const int rows = tile.height - templates.height + 1, columns = tile.width - templates.width + 1;
  const double tiles =
      static_cast<double>(batches_of(picture.height - templates.height + 1, rows)) *
      batches_of(picture.width - templates.width + 1, columns);
  const double rows_back = std::min(rows, picture.height - templates.height + 1);
  const double penalty = area(tile) * sizeof(LaneComplex) > kCacheBytes ? kStepsBeyondCache : 1;
  return penalty * tiles * batches_of(pairs_of(templates), kLanes) *
         (tile.width * transform_steps(tile.height) + rows_back * transform_steps(tile.width));
}

double template_steps(const FaceTemplates& templates, PictureSize tile) {
  return batches_of(pairs_of(templates), kLanes) * (templates.height * transform_steps(tile.width) +
                                                    tile.width * transform_steps(tile.height));
}

CorrelationPlan cheapest_plan(const FaceTemplates& templates,
                              std::span<const PictureSize> pictures) {
  CorrelationPlan best;
  PictureSize largest;
  for (const PictureSize& picture : pictures) {
    best.steps += direct_steps(templates, picture);
    largest.height = std::max(largest.height, picture.height);
    largest.width = std::max(largest.width, picture.width);
  }
  const auto lengths = [](int window, int picture) {
    return smooth_lengths(window, std::min(smooth_length(picture),
                                           std::max(kLongestTile, smooth_length(2 * window))));
  };
  for (const int height : lengths(templates.height, largest.height))
    for (const int width : lengths(templates.width, largest.width)) {
      const PictureSize tile{.height = height, .width = width};
      double steps = template_steps(templates, tile);
      for (const PictureSize& picture : pictures)
        steps +=
            std::min(direct_steps(templates, picture), fourier_steps(templates, picture, tile));
      if (steps < best.steps) best = {.tile = tile, .steps = steps};
    }
  return best;
}

DirectCorrelator::DirectCorrelator(const FaceTemplates& templates,
                                   const CorrelationKernels& kernels)
    : kernels_(kernels),
      height_(templates.height),
      width_(templates.width),
      templates_(templates.k() + 1),
      positive_(templates.positive) {
  const auto n = static_cast<std::size_t>(templates.n());
  const auto groups = static_cast<std::size_t>(batches_of(templates_, kDirectTemplates));
  interleaved_.resize(groups * n * kDirectTemplates);
  for (int i = 0; i < templates_; ++i) {
    const std::span<const float> from = template_of(templates, i);
    float* to = interleaved_.data() +
                static_cast<std::size_t>(i / kDirectTemplates) * n * kDirectTemplates +
                i % kDirectTemplates;
    for (std::size_t j = 0; j < n; ++j) to[j * kDirectTemplates] = from[j];
  }
}

Correlations DirectCorrelator::correlate(const image::Image& picture) const {
  const PictureSize windows = windows_of(picture, height_, width_);
  // The last sixteen windows of a row may reach beyond it.
  const int stride = picture.width + kLanes;
  std::vector<float> values(static_cast<std::size_t>(picture.height) *
                            static_cast<std::size_t>(stride));
  for (int y = 0; y < picture.height; ++y)
    for (int x = 0; x < picture.width; ++x)
      values[static_cast<std::size_t>(y) * static_cast<std::size_t>(stride) +
             static_cast<std::size_t>(x)] = shifted(picture, y, x);
  Correlations result{.squares = std::vector<float>(area(windows)),
                      .linear = std::vector<float>(area(windows))};
  const int linear = templates_ - 1;
  const int group_size = height_ * width_ * kDirectTemplates;
#pragma omp parallel for schedule(static)
  for (int y = 0; y < windows.height; ++y)
    for (int x = 0; x < windows.width; x += kLanes)
      for (int first = 0; first < templates_; first += kDirectTemplates) {
        float sums[kDirectTemplates * kLanes];
        kernels_.direct(values.data() + static_cast<std::ptrdiff_t>(y) * stride + x, stride,
                        interleaved_.data() +
                            static_cast<std::ptrdiff_t>(first / kDirectTemplates) * group_size,
                        height_, width_, sums);
        for (int i = 0; i < std::min(kLanes, windows.width - x); ++i) {
          const auto at = static_cast<std::size_t>(y) * static_cast<std::size_t>(windows.width) +
                          static_cast<std::size_t>(x + i);
          for (int t = 0; t < kDirectTemplates; ++t) {
            const float sum = sums[t * kLanes + i];
            if (first + t == linear) result.linear[at] = sum;
            if (first + t < linear)
              result.squares[at] += first + t < positive_ ? sum * sum : -sum * sum;
          }
        }
      }
  return result;
}

// What one thread works in.
struct FourierCorrelator::Room {
  explicit Room(PictureSize tile, int rows)
      : column(static_cast<std::size_t>(std::max(tile.height, tile.width))),
        rows(static_cast<std::size_t>(rows) * static_cast<std::size_t>(tile.width)),
        half(2 * area(tile)),
        picture(2 * area(tile)) {}

  std::vector<LaneComplex> column;  // one sequence
  std::vector<LaneComplex> rows;    // rows where windows begin x frequencies across
  std::vector<float> half;          // the picture, transformed across: pairs, frequency x row
  std::vector<float> picture;       // and down: pairs, frequency across x frequency down
};

FourierCorrelator::FourierCorrelator(const FaceTemplates& templates, PictureSize tile,
                                     const CorrelationKernels& kernels)
    : kernels_(kernels),
      down_(tile.height),
      across_(tile.width),
      height_(templates.height),
      width_(templates.width),
      pairs_(pairs_of(templates)) {
  if (tile.height < height_ || tile.width < width_)
    throw ShapeError(fmt::format("face map: a tile of {}x{} is smaller than a window of {}x{}",
                                 tile.width, tile.height, width_, height_));
  gains_.resize(static_cast<std::size_t>(batches_of(pairs_, kLanes) * kLanes));
  for (int pair = 0; pair < pairs_; ++pair)
    gains_[static_cast<std::size_t>(pair)] = pair_at(templates, pair).gain;
  transform_templates(templates);
}

std::ptrdiff_t FourierCorrelator::spectrum(int batch, int x) const {
  return (static_cast<std::ptrdiff_t>(batch) * across_.length() + x) * down_.length();
}

// The transform of a template mirrored at the origin is the conjugate that correlation wants.
void FourierCorrelator::transform_templates(const FaceTemplates& templates) {
  const int rows = down_.length(), columns = across_.length();
  const int batches = batches_of(pairs_, kLanes);
  spectra_.resize(static_cast<std::size_t>(batches) * area({.height = rows, .width = columns}));
  const auto scale = static_cast<float>(1.0 / (static_cast<double>(rows) * columns));
#pragma omp parallel for schedule(static)
  for (int batch = 0; batch < batches; ++batch) {
    LaneComplex* const at = spectra_.data() + spectrum(batch, 0);
    std::vector<LaneComplex> row(static_cast<std::size_t>(columns));
    for (int r = 0; r < height_; ++r) {
      std::fill(row.begin(), row.end(), LaneComplex{});
      for (int lane = 0; lane < std::min(kLanes, pairs_ - batch * kLanes); ++lane) {
        const Pair pair = pair_at(templates, batch * kLanes + lane);
        for (int c = 0; c < width_; ++c) {
          LaneComplex& to = row[static_cast<std::size_t>((columns - c) % columns)];
          const auto from = static_cast<std::size_t>(r) * static_cast<std::size_t>(width_) +
                            static_cast<std::size_t>(c);
          to.re[lane] = scale * template_of(templates, pair.first)[from];
          if (pair.second >= 0) to.im[lane] = scale * template_of(templates, pair.second)[from];
        }
      }
      kernels_.forward(across_.stages(), row.data());
      for (int x = 0; x < columns; ++x)
        at[static_cast<std::ptrdiff_t>(x) * rows + (rows - r) % rows] =
            row[static_cast<std::size_t>(x)];
    }
    for (int x = 0; x < columns; ++x)
      kernels_.forward(down_.stages(), at + static_cast<std::ptrdiff_t>(x) * rows);
  }
}

// Sixteen rows, then sixteen columns at a time.
void FourierCorrelator::transform_picture(const image::Image& picture, int top, int left,
                                          Room& room) const {
  const int rows = down_.length(), columns = across_.length();
  const int filled_rows = std::min(rows, picture.height - top);
  const int filled_columns = std::min(columns, picture.width - left);
  std::fill(room.half.begin(), room.half.end(), 0.0f);
  LaneComplex* const x = room.column.data();
  for (int first = 0; first < filled_rows; first += kLanes) {
    const int lanes = std::min(kLanes, filled_rows - first);
    std::fill_n(x, columns, LaneComplex{});
    for (int lane = 0; lane < lanes; ++lane)
      for (int c = 0; c < filled_columns; ++c)
        x[c].re[lane] = shifted(picture, top + first + lane, left + c);
    kernels_.forward(across_.stages(), x);
    for (int c = 0; c < columns; ++c)
      for (int lane = 0; lane < lanes; ++lane) {
        float* to = room.half.data() + 2 * (static_cast<std::ptrdiff_t>(c) * rows + first + lane);
        to[0] = x[c].re[lane];
        to[1] = x[c].im[lane];
      }
  }
  for (int first = 0; first < columns; first += kLanes) {
    const int lanes = std::min(kLanes, columns - first);
    for (int lane = 0; lane < lanes; ++lane)
      for (int r = 0; r < rows; ++r) {
        const float* from =
            room.half.data() + 2 * (static_cast<std::ptrdiff_t>(first + lane) * rows + r);
        x[r].re[lane] = from[0];
        x[r].im[lane] = from[1];
      }
    kernels_.forward(down_.stages(), x);
    for (int lane = 0; lane < lanes; ++lane)
      for (int r = 0; r < rows; ++r) {
        float* to =
            room.picture.data() + 2 * (static_cast<std::ptrdiff_t>(first + lane) * rows + r);
        to[0] = x[r].re[lane];
        to[1] = x[r].im[lane];
      }
  }
}

// `windows` of the tile, written row after row; `linear` only by the batch that has it.
void FourierCorrelator::correlate_tile(int batch, PictureSize windows, Room& room, float* squares,
                                       float* linear) const {
  const int rows = down_.length(), columns = across_.length();
  for (int x = 0; x < columns; ++x) {
    kernels_.inverse_of_product(down_.stages(), spectra_.data() + spectrum(batch, x),
                                room.picture.data() + 2 * static_cast<std::ptrdiff_t>(x) * rows,
                                room.column.data());
    for (int y = 0; y < windows.height; ++y)
      room.rows[static_cast<std::size_t>(y) * static_cast<std::size_t>(columns) +
                static_cast<std::size_t>(x)] = room.column[static_cast<std::size_t>(y)];
  }
  const int linear_lane = pairs_ - 1 - batch * kLanes;
  const float* const gains = gains_.data() + static_cast<std::ptrdiff_t>(batch) * kLanes;
  for (int y = 0; y < windows.height; ++y) {
    LaneComplex* const row = room.rows.data() + static_cast<std::ptrdiff_t>(y) * columns;
    const auto at = static_cast<std::ptrdiff_t>(y) * windows.width;
    kernels_.inverse(across_.stages(), row);
    kernels_.weighted_norms(row, windows.width, gains, squares + at);
    if (linear_lane < kLanes)
      for (int x = 0; x < windows.width; ++x) linear[at + x] = row[x].re[linear_lane];
  }
}

Correlations FourierCorrelator::correlate(const image::Image& picture) const {
  const PictureSize windows = windows_of(picture, height_, width_);
  const PictureSize step{.height = down_.length() - height_ + 1,
                         .width = across_.length() - width_ + 1};
  const int tiles_across = batches_of(windows.width, step.width);
  const int tiles = batches_of(windows.height, step.height) * tiles_across;
  const int batches = batches_of(pairs_, kLanes);
  std::vector<std::vector<float>> squares(static_cast<std::size_t>(batches),
                                          std::vector<float>(area(windows)));
  Correlations result{.squares = std::vector<float>(area(windows)),
                      .linear = std::vector<float>(area(windows))};
#pragma omp parallel
  {
    Room room({.height = down_.length(), .width = across_.length()},
              std::min(step.height, windows.height));
    std::vector<float> tile_squares(area(step)), tile_linear(area(step));
#pragma omp for schedule(dynamic)
    for (int task = 0; task < tiles * batches; ++task) {
      const int batch = task % batches, tile = task / batches;
      const int top = tile / tiles_across * step.height, left = tile % tiles_across * step.width;
      const PictureSize part{.height = std::min(step.height, windows.height - top),
                             .width = std::min(step.width, windows.width - left)};
      transform_picture(picture, top, left, room);
      correlate_tile(batch, part, room, tile_squares.data(), tile_linear.data());
      for (int y = 0; y < part.height; ++y) {
        const auto to = static_cast<std::ptrdiff_t>(top + y) * windows.width + left;
        const auto from = static_cast<std::ptrdiff_t>(y) * part.width;
        std::copy_n(tile_squares.data() + from, part.width,
                    squares[static_cast<std::size_t>(batch)].data() + to);
        if (batch == batches - 1)
          std::copy_n(tile_linear.data() + from, part.width, result.linear.data() + to);
      }
    }
  }
  for (const std::vector<float>& part : squares)
    for (std::size_t i = 0; i < part.size(); ++i) result.squares[i] += part[i];
  return result;
}

}  // namespace hadal::eigenfaces

#include "experiments/studies/eigenfaces/face_map.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace hadal::eigenfaces {
namespace {

// Sum and sum of squares, exact, of the windows of one row after another: sums of columns that
// slide down, and a window that slides across them.
class WindowSums {
 public:
  WindowSums(const image::Image& picture, int height, int width)
      : picture_(picture),
        height_(height),
        width_(width),
        sums_(static_cast<std::size_t>(picture.width)),
        squares_(static_cast<std::size_t>(picture.width)) {
    for (int y = 0; y < height; ++y) add_row(y, 1);
  }

  void next_row() {
    add_row(row_, -1);
    add_row(row_ + height_, 1);
    ++row_;
  }

  /// Calls visit(x, sum, squares) for every window of the row.
  template <typename Visit>
  void for_each(const Visit& visit) const {
    std::int64_t sum = 0, squares = 0;
    for (int x = 0; x < picture_.width; ++x) {
      sum += sums_[static_cast<std::size_t>(x)];
      squares += squares_[static_cast<std::size_t>(x)];
      if (x + 1 < width_) continue;
      const int left = x + 1 - width_;
      visit(left, sum, squares);
      sum -= sums_[static_cast<std::size_t>(left)];
      squares -= squares_[static_cast<std::size_t>(left)];
    }
  }

 private:
  void add_row(int y, std::int64_t sign) {
    const std::uint8_t* const p =
        picture_.pixels.data() + static_cast<std::ptrdiff_t>(y) * picture_.width;
    for (std::size_t x = 0; x < sums_.size(); ++x) {
      sums_[x] += sign * p[x];
      squares_[x] += sign * (p[x] * p[x]);
    }
  }

  const image::Image& picture_;
  int height_, width_, row_ = 0;
  std::vector<std::int64_t> sums_, squares_;
};

FaceMap empty_map(const image::Image& picture, int height, int width) {
  const PictureSize windows = windows_of(picture, height, width);
  FaceMap map{.height = windows.height, .width = windows.width};
  map.distance.resize(static_cast<std::size_t>(map.height) * static_cast<std::size_t>(map.width));
  map.deviation.resize(map.distance.size());
  return map;
}

std::vector<std::uint8_t> window_at(const image::Image& picture, int top, int left, int height,
                                    int width) {
  std::vector<std::uint8_t> window;
  for (int y = top; y < top + height; ++y)
    for (int x = left; x < left + width; ++x)
      window.push_back(picture.pixels[static_cast<std::size_t>(y * picture.width + x)]);
  return window;
}

double deviation_of(std::int64_t n, std::int64_t sum, std::int64_t squares) {
  return std::sqrt(static_cast<double>(n * squares - sum * sum)) / static_cast<double>(n);
}

}  // namespace

FaceMap reference_face_map(const Model& model, const image::Image& picture, MapDistance distance) {
  const QuadraticForm form = quadratic_form(model, distance);
  FaceMap map = empty_map(picture, model.height, model.width);
  for (int y = 0; y < map.height; ++y)
    for (int x = 0; x < map.width; ++x) {
      const auto window = window_at(picture, y, x, model.height, model.width);
      const std::vector<float> face = lit(window, model.lighting);
      std::vector<double> phi;
      double e2 = 0;
      for (std::size_t j = 0; j < face.size(); ++j) {
        phi.push_back(double{face[j]} - model.mean[j]);
        e2 += phi.back() * phi.back();
      }
      for (std::size_t i = 0; i < form.gains.size(); ++i) {
        const std::span<const float> u = model.eigenface(static_cast<int>(i));
        double weight = 0;
        for (std::size_t j = 0; j < phi.size(); ++j) weight += u[j] * phi[j];
        e2 -= form.gains[i] * weight * weight;
      }
      std::int64_t sum = 0, squares = 0;
      for (const std::int64_t p : window) sum += p, squares += p * p;
      map.distance[map.at(y, x)] = static_cast<float>(form.unit * e2);
      map.deviation[map.at(y, x)] = static_cast<float>(deviation_of(model.n(), sum, squares));
    }
  return map;
}

FaceMapper::FaceMapper(const Model& model, MapDistance distance,
                       std::span<const PictureSize> expected)
    : templates_(face_templates(model, distance)),
      plan_(cheapest_plan(templates_, expected)),
      direct_(templates_) {
  if (plan_.tile) fourier_.emplace(templates_, *plan_.tile);
}

FaceMap FaceMapper::map(const image::Image& picture) const {
  FaceMap map = empty_map(picture, templates_.height, templates_.width);
  const PictureSize size{.height = picture.height, .width = picture.width};
  const bool by_fourier =
      plan_.tile && fourier_steps(templates_, size, *plan_.tile) < direct_steps(templates_, size);
  const Correlations c = by_fourier ? fourier_->correlate(picture) : direct_.correlate(picture);
  const std::int64_t n = templates_.n();
  const bool as_is = templates_.lighting == Lighting::kAsIs;
  WindowSums sums(picture, templates_.height, templates_.width);
  for (int y = 0; y < map.height; ++y) {
    if (y > 0) sums.next_row();
    sums.for_each([&](int x, std::int64_t sum, std::int64_t squares) {
      const std::size_t i = map.at(y, x);
      const double deviation = deviation_of(n, sum, squares);
      const double scale = as_is ? 1 : deviation > 0 ? kContrast / deviation : 0;
      const double energy =  // |p - c|^2
          as_is ? static_cast<double>(squares) - 2 * kGrey * static_cast<double>(sum) +
                      kGrey * kGrey * static_cast<double>(n)
                : deviation * deviation * static_cast<double>(n);
      map.distance[i] = static_cast<float>(
          templates_.unit *
          (scale * (scale * (energy - c.squares[i]) - 2.0 * c.linear[i]) + templates_.constant));
      map.deviation[i] = static_cast<float>(deviation);
    });
  }
  return map;
}

}  // namespace hadal::eigenfaces

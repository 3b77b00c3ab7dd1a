#include "experiments/studies/eigenfaces/occlusion.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/linalg/dense.h"

namespace hadal::eigenfaces {
namespace {

void check_size(const Model& model, std::size_t pixels, const Visible& visible) {
  if (static_cast<std::int64_t>(pixels) != model.n() || visible.size() != pixels)
    throw ShapeError(
        fmt::format("occlusion: a picture of {} pixels and a mask of {}, the model "
                    "has {}x{}",
                    pixels, visible.size(), model.height, model.width));
}

std::vector<std::size_t> pixels_of(const Visible& visible) {
  std::vector<std::size_t> pixels;
  for (std::size_t p = 0; p < visible.size(); ++p)
    if (visible[p]) pixels.push_back(p);
  return pixels;
}

// Coefficients of `free` columns (no ridge), then of the eigenfaces, that come nearest to `y` on
// `pixels`.
class RidgeFit {
 public:
  RidgeFit(const Model& model, const std::vector<std::size_t>& pixels,
           const std::vector<std::vector<double>>& free, const std::vector<double>& y)
      : eigenvalues_(model.eigenvalues),
        first_(static_cast<std::int64_t>(free.size())),
        pixels_(pixels.size()) {
    linalg::DenseMatrix a(static_cast<std::int64_t>(pixels.size()), first_ + model.k());
    for (std::int64_t c = 0; c < a.cols; ++c)
      for (std::int64_t p = 0; p < a.rows; ++p) {
        const auto at = static_cast<std::size_t>(p);
        a(p, c) = c < first_ ? free[static_cast<std::size_t>(c)][at]
                             : model.eigenface(static_cast<int>(c - first_))[pixels[at]];
      }
    linalg::DenseMatrix right(a.rows, 1);
    right.values = y;
    normal_ = linalg::self_product(a);
    right_ = linalg::multiply_transposed_left(a, right);
  }

  std::vector<double> solve(double r) const {
    if (!(r >= 0)) throw ConfigError(fmt::format("occlusion: ridge {}, wanted at least 0", r));
    linalg::DenseMatrix normal = normal_;
    for (std::size_t i = 0; i < eigenvalues_.size(); ++i) {
      const std::int64_t at = first_ + static_cast<std::int64_t>(i);
      normal(at, at) += r / eigenvalues_[i];
    }
    const std::optional<linalg::DenseMatrix> factor = linalg::cholesky(normal);
    if (!factor)
      throw ConfigError(
          fmt::format("occlusion: {} visible pixels do not determine {} weights; use "
                      "fewer components or a ridge above 0",
                      pixels_, normal.cols));
    return linalg::solve_upper(*factor, linalg::solve_upper_transposed(*factor, right_)).values;
  }

 private:
  const std::vector<double>& eigenvalues_;
  const std::int64_t first_;
  const std::size_t pixels_;
  linalg::DenseMatrix normal_, right_;
};

RidgeFit projection(const Model& model, std::span<const float> face, const Visible& visible) {
  const std::vector<std::size_t> pixels = pixels_of(visible);
  std::vector<double> phi;
  for (const std::size_t p : pixels) phi.push_back(double{face[p]} - double{model.mean[p]});
  return {model, pixels, {}, phi};
}

RidgeFit projection_and_lighting(const Model& model, std::span<const std::uint8_t> picture,
                                 const Visible& visible) {
  const std::vector<std::size_t> pixels = pixels_of(visible);
  std::vector<double> y, psi;
  for (const std::size_t p : pixels) {
    y.push_back(picture[p]);
    psi.push_back(model.mean[p]);
  }
  return {model, pixels, {psi, std::vector<double>(y.size(), 1)}, y};
}

std::vector<float> as_float(std::span<const double> values) {
  return {values.begin(), values.end()};
}

double squared_difference(std::uint8_t a, std::uint8_t b) {
  const double difference = static_cast<double>(a) - static_cast<double>(b);
  return difference * difference;
}

}  // namespace

Visible all_but(const Rectangle& hidden, int height, int width) {
  if (hidden.width < 1 || hidden.height < 1 || hidden.left < 0 || hidden.top < 0 ||
      hidden.left > width - hidden.width || hidden.top > height - hidden.height)
    throw ConfigError(
        fmt::format("hidden rectangle {},{} of {}x{} reaches outside a picture of "
                    "{}x{} (left,top of width x height)",
                    hidden.left, hidden.top, hidden.width, hidden.height, width, height));
  Visible visible(static_cast<std::size_t>(height) * static_cast<std::size_t>(width), 1);
  for (int y = hidden.top; y < hidden.top + hidden.height; ++y)
    std::fill_n(visible.begin() + std::int64_t{y} * width + hidden.left, hidden.width, 0);
  return visible;
}

Rectangle random_rectangle(double share, int height, int width, const random::Stream& stream) {
  if (!(share > 0 && share < 1))
    throw ConfigError(fmt::format("hidden share {}, wanted between 0 and 1", share));
  const auto side = [&](int whole) {
    return std::clamp(static_cast<int>(std::lround(whole * std::sqrt(share))), 1, whole);
  };
  Rectangle hidden{.width = side(width), .height = side(height)};
  hidden.left = static_cast<int>(
      random::below(stream, static_cast<std::uint32_t>(width - hidden.width + 1), 0));
  hidden.top = static_cast<int>(
      random::below(stream, static_cast<std::uint32_t>(height - hidden.height + 1), 1));
  return hidden;
}

PartlyVisible lit_visible(std::span<const std::uint8_t> picture, const Visible& visible,
                          Lighting lighting) {
  std::int64_t count = 0, sum = 0, squares = 0;
  for (std::size_t p = 0; p < picture.size(); ++p) {
    if (!visible[p]) continue;
    const std::int64_t x = picture[p];
    ++count;
    sum += x;
    squares += x * x;
  }
  if (count == 0) throw ConfigError("occlusion: no pixel is visible");
  PartlyVisible part{.face = std::vector<float>(picture.size()),
                     .relight = relight(lighting, count, sum, squares)};
  for (std::size_t p = 0; p < picture.size(); ++p)
    if (visible[p])
      part.face[p] = static_cast<float>(part.relight.scale) * static_cast<float>(picture[p]) +
                     static_cast<float>(part.relight.shift);
  return part;
}

std::vector<float> project_zero_filled(const Model& model, std::span<const float> face,
                                       const Visible& visible) {
  check_size(model, face.size(), visible);
  std::vector<float> mean_filled(face.begin(), face.end());
  for (std::size_t p = 0; p < face.size(); ++p)
    if (!visible[p]) mean_filled[p] = model.mean[p];
  return project(model, mean_filled);
}

std::vector<float> project_visible(const Model& model, std::span<const float> face,
                                   const Visible& visible, double r) {
  check_size(model, face.size(), visible);
  return as_float(projection(model, face, visible).solve(r));
}

VisibleFit fit_visible(const Model& model, std::span<const std::uint8_t> picture,
                       const Visible& visible, double r) {
  return fit_visible(model, picture, visible, std::span(&r, 1)).front();
}

std::vector<VisibleFit> fit_visible(const Model& model, std::span<const std::uint8_t> picture,
                                    const Visible& visible, std::span<const double> ridges) {
  check_size(model, picture.size(), visible);
  const PartlyVisible part = lit_visible(picture, visible, model.lighting);
  const bool free_lighting = model.lighting == Lighting::kNormalised;
  const RidgeFit fit = free_lighting ? projection_and_lighting(model, picture, visible)
                                     : projection(model, part.face, visible);
  std::vector<VisibleFit> fits;
  for (const double r : ridges) {
    std::vector<double> found = fit.solve(r);
    if (!free_lighting) {
      fits.push_back({as_float(found), part.relight});
    } else if (const double a = found[0], b = found[1]; a > 0) {
      for (double& value : found) value /= a;
      fits.push_back({as_float(std::span(found).subspan(2)), {1 / a, -b / a}});
    } else {
      fits.push_back({project_visible(model, part.face, visible, r), part.relight});
    }
  }
  return fits;
}

std::vector<std::uint8_t> filled(const Model& model, std::span<const std::uint8_t> picture,
                                 const Visible& visible, const Relight& relight,
                                 std::span<const float> weights) {
  const std::vector<float> face = reconstruct(model, weights);
  std::vector<std::uint8_t> result(picture.begin(), picture.end());
  for (std::size_t p = 0; p < result.size(); ++p) {
    if (visible[p]) continue;
    const double grey = relight.scale > 0 ? (face[p] - relight.shift) / relight.scale : 0;
    result[p] = static_cast<std::uint8_t>(std::lround(std::clamp(grey, 0.0, 255.0)));
  }
  return result;
}

double hidden_rmse(std::span<const std::uint8_t> truth, std::span<const std::uint8_t> picture,
                   const Visible& visible) {
  double sum = 0;
  std::int64_t hidden = 0;
  for (std::size_t p = 0; p < truth.size(); ++p) {
    if (visible[p]) continue;
    sum += squared_difference(truth[p], picture[p]);
    ++hidden;
  }
  return hidden > 0 ? std::sqrt(sum / static_cast<double>(hidden)) : 0;
}

double psnr(std::span<const std::uint8_t> truth, std::span<const std::uint8_t> picture) {
  double sum = 0;
  for (std::size_t p = 0; p < truth.size(); ++p) sum += squared_difference(truth[p], picture[p]);
  return sum > 0 ? 10 * std::log10(255.0 * 255.0 * static_cast<double>(truth.size()) / sum)
                 : std::numeric_limits<double>::infinity();
}

}  // namespace hadal::eigenfaces

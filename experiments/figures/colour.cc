#include "experiments/figures/colour.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace hadal::figures {
namespace {

double gamma_of(double linear) {
  return linear <= 0.0031308 ? 12.92 * linear : 1.055 * std::pow(linear, 1 / 2.4) - 0.055;
}

struct Linear {
  double red, green, blue;
  bool in_gamut() const {
    return std::min({red, green, blue}) >= 0 && std::max({red, green, blue}) <= 1;
  }
};

// The inverse of Oklab: a, b -> roots of the cones' answers -> linear sRGB.
Linear from_oklab(double lightness, double a, double b) {
  const auto cube = [](double x) { return x * x * x; };
  const double l = cube(lightness + 0.3963377774 * a + 0.2158037573 * b);
  const double m = cube(lightness - 0.1055613458 * a - 0.0638541728 * b);
  const double s = cube(lightness - 0.0894841775 * a - 1.2914855480 * b);
  return {4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
          -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
          -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s};
}

// As colourful as asked, or as sRGB can at this lightness and hue.
Colour from_hue(double lightness, double chroma, double degrees) {
  const double hue = degrees * std::numbers::pi / 180;
  Linear c = from_oklab(lightness, chroma * std::cos(hue), chroma * std::sin(hue));
  for (; !c.in_gamut() && chroma > 0; chroma -= 0.002)
    c = from_oklab(lightness, chroma * std::cos(hue), chroma * std::sin(hue));
  const auto channel = [](double linear) { return gamma_of(std::clamp(linear, 0.0, 1.0)); };
  return {channel(c.red), channel(c.green), channel(c.blue)};
}

}  // namespace

Colour series_colour(std::size_t index) {
  static constexpr std::array<Colour, kSeriesColours> kColours = {{{0.000, 0.447, 0.698},
                                                                   {0.835, 0.369, 0.000},
                                                                   {0.000, 0.620, 0.451},
                                                                   {0.710, 0.341, 0.561},
                                                                   {0.722, 0.478, 0.000},
                                                                   {0.337, 0.706, 0.914},
                                                                   {0.267, 0.267, 0.267}}};
  return kColours[index % kColours.size()];
}

Colour sequential(double t) {
  if (std::isnan(t)) return kGrid;
  t = std::clamp(t, 0.0, 1.0);
  return from_hue(0.20 + 0.75 * t, 0.11 + 0.05 * t, 305 - 198 * t);
}

Colour diverging(double t) {
  if (std::isnan(t)) return kGrid;
  t = std::clamp(t, -1.0, 1.0);
  return from_hue(0.97 - 0.47 * std::abs(t), 0.16 * std::abs(t), t < 0 ? 250 : 50);
}

}  // namespace hadal::figures

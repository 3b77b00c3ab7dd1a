// The colours of every figure: few, readable on white, apart for the colour-blind.
#pragma once

#include <cstddef>

namespace hadal::figures {

/// sRGB, each in 0..1.
struct Colour {
  double red = 0, green = 0, blue = 0;

  friend bool operator==(const Colour&, const Colour&) = default;
};

inline constexpr Colour kPaper{1, 1, 1};
inline constexpr Colour kInk{0.11, 0.14, 0.15};
inline constexpr Colour kFaint{0.36, 0.40, 0.42};
inline constexpr Colour kGrid{0.88, 0.90, 0.91};

/// Colour of series `index`: seven of Okabe and Ito's (the darker ones first, the yellow darkened),
/// then the same again; markers tell the rounds apart.
/// Source: Okabe, Ito 2008, "Color Universal Design", fig. 16.
Colour series_colour(std::size_t index);
inline constexpr std::size_t kSeriesColours = 7;

/// Dark violet (t = 0) through blue and green to light yellow (t = 1): Oklab lightness rises evenly
/// from 0.20 to 0.95, so that equal steps of t look equal and print well in grey. t is clamped to
/// [0, 1]; NaN gives kGrid.
/// Source of Oklab: B. Ottosson 2020, "A perceptual color space for image processing".
Colour sequential(double t);

/// Blue (t = -1) over near-white (0) to orange (1), equally light at t and -t.
Colour diverging(double t);

}  // namespace hadal::figures

// Lighting of a picture: how bright it is and how much contrast it has, set to fixed values.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace hadal::eigenfaces {

enum class Lighting {
  kAsIs,        // the grey levels of the file
  kNormalised,  // x' = 128 + 48 (x - mean) / standard deviation, by picture
};

inline constexpr double kGrey = 128, kContrast = 48;

/// "as-is", "normalised".
std::string name_of(Lighting lighting);
/// Throws ConfigError for an unknown name.
Lighting lighting_of(const std::string& name);

/// What lighting does to one picture: x' = scale x + shift.
struct Relight {
  double scale = 1, shift = 0;
};

/// For a picture of n pixels with sum s and sum of squares q, both exact: scale = 48 n / sqrt(n q -
/// s^2), shift = 128 - scale s / n. A picture of one grey level has no contrast to set and becomes
/// 128 everywhere.
Relight relight(Lighting lighting, std::int64_t n, std::int64_t sum, std::int64_t sum_of_squares);

/// The relit picture in float32: what every formula of eigenfaces is about.
std::vector<float> lit(std::span<const std::uint8_t> picture, Lighting lighting);
/// The same in place, for pictures that are float already (scaled ones).
void light(std::span<float> picture, Lighting lighting);

}  // namespace hadal::eigenfaces

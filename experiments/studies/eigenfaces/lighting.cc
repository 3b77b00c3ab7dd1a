#include "experiments/studies/eigenfaces/lighting.h"

#include <cmath>

#include "core/base/error.h"
#include "core/base/strings.h"

namespace hadal::eigenfaces {

std::string name_of(Lighting lighting) {
  return lighting == Lighting::kAsIs ? "as-is" : "normalised";
}

Lighting lighting_of(const std::string& name) {
  if (name == "as-is") return Lighting::kAsIs;
  if (name == "normalised") return Lighting::kNormalised;
  throw ConfigError(
      unknown_name("lighting", name, std::vector<std::string>{"as-is", "normalised"}));
}

Relight relight(Lighting lighting, std::int64_t n, std::int64_t sum, std::int64_t sum_of_squares) {
  if (lighting == Lighting::kAsIs) return {};
  const double spread = std::sqrt(static_cast<double>(n * sum_of_squares - sum * sum));
  const double scale = spread > 0 ? kContrast * static_cast<double>(n) / spread : 0;
  return {scale, kGrey - scale * static_cast<double>(sum) / static_cast<double>(n)};
}

std::vector<float> lit(std::span<const std::uint8_t> picture, Lighting lighting) {
  std::int64_t sum = 0, squares = 0;
  for (const std::int64_t x : picture) {
    sum += x;
    squares += x * x;
  }
  const Relight to = relight(lighting, static_cast<std::int64_t>(picture.size()), sum, squares);
  const auto scale = static_cast<float>(to.scale), shift = static_cast<float>(to.shift);
  std::vector<float> face(picture.size());
  for (std::size_t i = 0; i < face.size(); ++i)
    face[i] = scale * static_cast<float>(picture[i]) + shift;
  return face;
}

void light(std::span<float> picture, Lighting lighting) {
  if (lighting == Lighting::kAsIs) return;
  const auto n = static_cast<double>(picture.size());
  double sum = 0, squares = 0;
  for (const double x : picture) sum += x;
  const double mean = sum / n;
  for (const double x : picture) squares += (x - mean) * (x - mean);
  const double scale = squares > 0 ? kContrast / std::sqrt(squares / n) : 0;
  for (float& x : picture) x = static_cast<float>(kGrey + scale * (x - mean));
}

}  // namespace hadal::eigenfaces

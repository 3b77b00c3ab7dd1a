#include "experiments/studies/eigenfaces/train_randomized.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/matrix/memory_rows.h"
#include "dist/linalg/svd.h"

namespace hadal::eigenfaces {
namespace {

// Pictures as lit: bytes where lighting leaves them so.
matrix::MemoryRows rows_of(const Pictures& pictures, Lighting lighting) {
  if (lighting == Lighting::kAsIs)
    return {pictures.pixels, pictures.count(), pictures.size(), "pictures"};
  std::vector<float> values;
  values.reserve(pictures.pixels.size());
  for (std::int64_t i = 0; i < pictures.count(); ++i) {
    const std::vector<float> face = lit(pictures.picture(i), lighting);
    values.insert(values.end(), face.begin(), face.end());
  }
  return {std::move(values), pictures.count(), pictures.size(), "pictures"};
}

}  // namespace

Model train_randomized(dist::Communicator& comm, const Pictures& pictures,
                       const TrainOptions& options, std::uint64_t seed) {
  const std::int64_t m = pictures.count();
  if (m < 2)
    throw DataError(fmt::format("eigenfaces: {} pictures to train on, wanted at least 2", m));
  if (options.components < 1 || options.components > m - 1)
    throw ConfigError(
        fmt::format("eigenfaces: {} components of {} pictures by randomized SVD, "
                    "wanted 1 to {}",
                    options.components, m, m - 1));
  const matrix::MemoryRows rows = rows_of(pictures, options.lighting);
  const dist::SvdResult svd = dist::svd(
      comm, rows,
      {.target = {.components = options.components}, .centre = true, .seed = seed, .probes = 0});
  if (!(svd.singular_values.back() > 1e-6 * svd.singular_values.front()))
    throw ConfigError(fmt::format("eigenfaces: {} components, but the {} pictures span fewer",
                                  options.components, m));
  const auto freedom = static_cast<double>(m - 1);
  Model model{.height = pictures.height,
              .width = pictures.width,
              .lighting = options.lighting,
              .mean = {svd.mean.begin(), svd.mean.end()},
              .eigenfaces = {svd.components.values.begin(), svd.components.values.end()},
              .total_variance = svd.frobenius_squared / freedom,
              .people = pictures.people,
              .files = pictures.files};
  for (const double sigma : svd.singular_values)
    model.eigenvalues.push_back(sigma * sigma / freedom);
  add_weights(pictures, options.shift, model);
  return model;
}

}  // namespace hadal::eigenfaces

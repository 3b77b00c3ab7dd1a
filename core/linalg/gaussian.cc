#include "core/linalg/gaussian.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "core/base/error.h"
#include "core/base/random.h"

namespace hadal::linalg {
namespace {

constexpr int kPairs = 128;  // a stretch of a row that stays in the nearest cache

// ln u, 0 < u < 1, right to 1e-15 relative: u = 2^e m, sqrt(1/2) <= m < sqrt(2), and with
// s = (m - 1) / (m + 1), ln m = 2 (s + s^3/3 + s^5/5 + ...), |s| < 0.1716; 11 terms leave 2e-18.
double logarithm(double u) {
  const auto bits = std::bit_cast<std::int64_t>(u);
  // The exponent steps where the fraction passes sqrt(2).
  const std::int64_t shifted = bits - 0x3fe6a09e667f3bcd;
  const std::int64_t exponent = shifted >> 52;
  const auto m = std::bit_cast<double>(bits - (exponent << 52));
  const double s = (m - 1) / (m + 1), z = s * s;
  double tail = 1.0 / 21;
  for (const double c :
       {1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13, 1.0 / 11, 1.0 / 9, 1.0 / 7, 1.0 / 5, 1.0 / 3})
    tail = tail * z + c;
  // e ln 2 in two parts; the higher is exact for |e| < 2^21.
  const auto e = static_cast<double>(static_cast<std::int32_t>(exponent));
  return e * 0x1.62e42fee00000p-1 + (2 * s + (2 * s * z * tail + e * 0x1.a39ef35793c76p-33));
}

struct SineCosine {
  double sine, cosine;
};

// sin and cos of 2 pi t, 0 <= t < 1: t = q / 4 + r, |r| <= 1/8, Taylor to below 2^-54 of 1 at pi/4.
SineCosine sine_cosine(double t) {
  const double quarters = t * 4 + 0.5;
  const auto quarter = static_cast<std::int32_t>(quarters);  // floor: not negative
  const double x = (t - 0.25 * static_cast<double>(quarter)) * 6.283185307179586477;
  const double z = x * x;
  double s = -1.0 / 1307674368000;  // 15!
  for (const double c :
       {1.0 / 6227020800, -1.0 / 39916800, 1.0 / 362880, -1.0 / 5040, 1.0 / 120, -1.0 / 6})
    s = s * z + c;
  double c = 1.0 / 20922789888000;  // 16!
  for (const double a : {-1.0 / 87178291200, 1.0 / 479001600, -1.0 / 3628800, 1.0 / 40320,
                         -1.0 / 720, 1.0 / 24, -0.5})
    c = c * z + a;
  const double sine = x + x * z * s, cosine = 1 + z * c;
  const bool odd = (quarter & 1) != 0;
  const double first = odd ? cosine : sine, second = odd ? sine : cosine;
  return {(quarter & 2) != 0 ? -first : first, ((quarter + 1) & 2) != 0 ? -second : second};
}

}  // namespace

void gaussian_row(const GaussianStream& stream, std::int64_t row, std::int64_t first_column,
                  std::span<double> out) {
  HADAL_CHECK(first_column >= 0 && first_column % 4 == 0 && row >= 0);
  const random::Stream source{stream.seed, random::Purpose::kTestMatrix,
                              static_cast<std::uint64_t>(row), stream.matrix};
  std::array<double, kPairs> radius_draws, angle_draws;
  std::array<double, 2 * kPairs> normals;
  auto block = static_cast<std::uint64_t>(first_column / 4);
  for (std::size_t done = 0; done < out.size(); done += 2 * kPairs) {
    const std::size_t wanted = std::min<std::size_t>(2 * kPairs, out.size() - done);
    const std::size_t pairs = (wanted + 3) / 4 * 2;
    for (std::size_t p = 0; p < pairs; p += 2, ++block) {
      const auto words = random::block(source, block);
      const auto open = [](std::uint32_t bits) {
        return (static_cast<double>(bits) + 0.5) * 0x1p-32;
      };
      radius_draws[p] = open(words[0]);
      angle_draws[p] = open(words[1]);
      radius_draws[p + 1] = open(words[2]);
      angle_draws[p + 1] = open(words[3]);
    }
    for (std::size_t p = 0; p < pairs; ++p) {
      const double radius = std::sqrt(-2 * logarithm(radius_draws[p]));
      const SineCosine turn = sine_cosine(angle_draws[p]);
      normals[2 * p] = radius * turn.cosine;
      normals[2 * p + 1] = radius * turn.sine;
    }
    std::copy_n(normals.begin(), wanted, out.begin() + static_cast<std::ptrdiff_t>(done));
  }
}

DenseMatrix gaussian_matrix(const GaussianStream& stream, std::int64_t rows, std::int64_t cols,
                            std::int64_t first_column) {
  DenseMatrix x(rows, cols);
  for (std::int64_t j = 0; j < rows; ++j) gaussian_row(stream, j, first_column, x.row(j));
  return x;
}

}  // namespace hadal::linalg

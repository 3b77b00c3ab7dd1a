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

// Written without branches or conversions of integers, so that any compiler's vectors serve.

constexpr double kTwo52 = 0x1p52;

// c0 + z (c1 + z (c2 + ...)).
template <typename... Rest>
double horner(double z, double first, Rest... rest) {
  if constexpr (sizeof...(rest) == 0)
    return first;
  else
    return horner(z, rest...) * z + first;
}

// ln u, 0 < u < 1, right to 1e-15 relative: u = 2^e m, sqrt(1/2) <= m < sqrt(2), and with
// s = (m - 1) / (m + 1), ln m = 2 (s + s^3/3 + s^5/5 + ...), |s| < 0.1716; 11 terms leave 2e-18.
double logarithm(double u) {
  const auto bits = std::bit_cast<std::uint64_t>(u);
  // The exponent steps where the fraction passes sqrt(2); 1024 keeps it positive.
  const std::uint64_t biased = (bits - 0x3fe6a09e667f3bcd + (std::uint64_t{1024} << 52)) >> 52;
  const auto m = std::bit_cast<double>(bits - ((biased - 1024) << 52));
  const double e =
      std::bit_cast<double>(biased | std::bit_cast<std::uint64_t>(kTwo52)) - (kTwo52 + 1024);
  const double s = (m - 1) / (m + 1), z = s * s;
  const double tail = horner(z, 1.0 / 3, 1.0 / 5, 1.0 / 7, 1.0 / 9, 1.0 / 11, 1.0 / 13, 1.0 / 15,
                             1.0 / 17, 1.0 / 19, 1.0 / 21);
  // e ln 2 in two parts; the higher is exact for |e| < 2^21.
  return e * 0x1.62e42fee00000p-1 + (2 * s + (2 * s * z * tail + e * 0x1.a39ef35793c76p-33));
}

struct SineCosine {
  double sine, cosine;
};

// sin and cos of 2 pi t, 0 < t < 1: t = q / 4 + r, |r| <= 1/8, Taylor to below 2^-54 of 1 at pi/4.
SineCosine sine_cosine(double t) {
  const double shifted = t * 4 + kTwo52;  // q, to nearest, in the lowest bits
  const auto q = std::bit_cast<std::uint64_t>(shifted);
  const double x = (t - 0.25 * (shifted - kTwo52)) * 6.283185307179586477;
  const double z = x * x;
  const double s = horner(z, -1.0 / 6, 1.0 / 120, -1.0 / 5040, 1.0 / 362880, -1.0 / 39916800,
                          1.0 / 6227020800, -1.0 / 1307674368000);
  const double c = horner(z, -0.5, 1.0 / 24, -1.0 / 720, 1.0 / 40320, -1.0 / 3628800,
                          1.0 / 479001600, -1.0 / 87178291200, 1.0 / 20922789888000);
  const auto sine = std::bit_cast<std::uint64_t>(x + x * z * s);
  const auto cosine = std::bit_cast<std::uint64_t>(1 + z * c);
  // A quarter turn makes the cosine of a sine, and changes signs.
  const std::uint64_t odd = 0 - (q & 1), swap = (sine ^ cosine) & odd;
  return {std::bit_cast<double>(sine ^ swap ^ (q & 2) << 62),
          std::bit_cast<double>(cosine ^ swap ^ ((q + 1) & 2) << 62)};
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

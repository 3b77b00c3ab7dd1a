#include "experiments/studies/eigenfaces/gram.h"

#include <algorithm>

namespace hadal::eigenfaces {
namespace {

// 2^15 products of bytes fit in 31 bits.
constexpr std::int64_t kExactRun = 1 << 15;

std::int64_t dot(const std::uint8_t* x, const std::uint8_t* y, std::int64_t n) {
  std::int64_t sum = 0;
  for (std::int64_t first = 0; first < n; first += kExactRun) {
    const std::int64_t last = std::min(n, first + kExactRun);
    std::int32_t run = 0;
    for (std::int64_t i = first; i < last; ++i) run += std::int32_t{x[i]} * y[i];
    sum += run;
  }
  return sum;
}

}  // namespace

GramMatrix gram_of(std::span<const std::uint8_t> pixels, std::int64_t m, std::int64_t n) {
  GramMatrix gram{.products = std::vector<std::int64_t>(static_cast<std::size_t>(m * m)),
                  .sums = std::vector<std::int64_t>(static_cast<std::size_t>(m))};
  for (std::int64_t i = 0; i < m; ++i) {
    const std::uint8_t* x = pixels.data() + i * n;
    for (std::int64_t p = 0; p < n; ++p) gram.sums[static_cast<std::size_t>(i)] += x[p];
    for (std::int64_t j = 0; j <= i; ++j)
      gram.products[static_cast<std::size_t>(i * m + j)] =
          gram.products[static_cast<std::size_t>(j * m + i)] = dot(x, pixels.data() + j * n, n);
  }
  return gram;
}

}  // namespace hadal::eigenfaces

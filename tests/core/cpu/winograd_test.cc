#include "core/cpu/winograd.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "core/base/random.h"
#include "core/cpu/layout.h"

namespace hadal {
namespace {

using cpu::kBlock;

std::vector<float> normals(std::int64_t count, std::uint64_t purpose) {
  std::vector<float> values(count);
  const random::Stream stream{1, random::Purpose::kTest, 0, purpose};
  for (std::int64_t i = 0; i < count; ++i)
    values[i] = static_cast<float>(random::normal(stream, static_cast<std::uint64_t>(i)));
  return values;
}

std::int64_t at(std::int64_t channels, std::int64_t extent, std::int64_t n, std::int64_t h,
                std::int64_t w, std::int64_t c) {
  return (((n * channels / kBlock + c / kBlock) * extent + h) * extent + w) * kBlock + c % kBlock;
}

// Largest error over the root mean square of the exact values.
double relative_error(const std::vector<float>& found, const std::vector<double>& exact) {
  double largest = 0, squares = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    largest = std::max(largest, std::abs(found[i] - exact[i]));
    squares += exact[i] * exact[i];
  }
  return largest / std::sqrt(squares / static_cast<double>(exact.size()));
}

// Measured for these numbers, 16 and 64 channels: forward 3.1e-5 and 6.0e-6, back to the
// data 2.8e-6 and 6.2e-6, for the weights 1.9e-6 and 3.0e-6. A wrong factor in a transform errs by
// 1e-1.
TEST(Winograd, ErrsLittleMoreThanDirectSums) {
  if (!__builtin_cpu_supports("avx512dq")) GTEST_SKIP() << "no AVX-512";
  for (const std::int64_t channels : {16, 64}) {
    const std::int64_t images = 4, extent = 8;
    const cpu::Winograd winograd(
        {images, extent, extent, channels, extent, extent, channels, 1, 1});
    const std::int64_t pixels = images * extent * extent * channels;
    const std::vector<float> x = normals(pixels, 1), dy = normals(pixels, 2),
                             w = normals(channels * 9 * channels, 3);
    std::vector<float> y(x.size()), dx(x.size()), dw(w.size());
    Tensor workspace({static_cast<std::int64_t>(winograd.workspace_bytes() / sizeof(float))});
    winograd.forward(x.data(), w.data(), nullptr, y.data(), workspace.view().data);
    winograd.backward_data(dy.data(), w.data(), false, dx.data(), workspace.view().data);
    winograd.backward_weights(x.data(), dy.data(), dw.data(), workspace.view().data);

    std::vector<double> exact_y(x.size()), exact_dx(x.size()), exact_dw(w.size());
    for (std::int64_t n = 0; n < images; ++n)
      for (std::int64_t h = 0; h < extent; ++h)
        for (std::int64_t c = 0; c < extent; ++c)
          for (std::int64_t r = 0; r < 9; ++r) {
            const std::int64_t from_h = h + r / 3 - 1, from_c = c + r % 3 - 1;
            if (from_h < 0 || from_h >= extent || from_c < 0 || from_c >= extent) continue;
            for (std::int64_t o = 0; o < channels; ++o)
              for (std::int64_t k = 0; k < channels; ++k) {
                const std::int64_t to = at(channels, extent, n, h, c, o);
                const std::int64_t from = at(channels, extent, n, from_h, from_c, k);
                const std::int64_t weight = (o * 9 + r) * channels + k;
                exact_y[to] += double{w[weight]} * x[from];
                exact_dx[from] += double{w[weight]} * dy[to];
                exact_dw[weight] += double{x[from]} * dy[to];
              }
          }
    EXPECT_LT(relative_error(y, exact_y), 1e-5) << channels;
    EXPECT_LT(relative_error(dx, exact_dx), 1e-5) << channels;
    EXPECT_LT(relative_error(dw, exact_dw), 1e-5) << channels;
  }
}

}  // namespace
}  // namespace hadal

#include "core/linalg/double_gram.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/base/error.h"
#include "core/cpu/avx512.h"

namespace hadal::linalg {
namespace {

constexpr std::int64_t kStrip = DoubleGram::kStrip, kHeight = DoubleGram::kHeight;

// g(0..7, 0..23) += sum over rows of a(row, 0..7) b(row, 0..23); rows are kStrip apart.
using Product = void (*)(std::int64_t rows, const double* a, const double* b, double* g,
                         std::int64_t stride);

void product_plain(std::int64_t rows, const double* a, const double* b, double* g,
                   std::int64_t stride) {
  double sums[kHeight][kStrip] = {};
  for (std::int64_t r = 0; r < rows; ++r, a += kStrip, b += kStrip)
    for (std::int64_t i = 0; i < kHeight; ++i)
      for (std::int64_t j = 0; j < kStrip; ++j) sums[i][j] = std::fma(a[i], b[j], sums[i][j]);
  for (std::int64_t i = 0; i < kHeight; ++i)
    for (std::int64_t j = 0; j < kStrip; ++j) g[i * stride + j] += sums[i][j];
}

HADAL_AVX512 void product_avx512(std::int64_t rows, const double* a, const double* b, double* g,
                                 std::int64_t stride) {
  __m512d sums[kHeight][3];
#pragma GCC unroll 8
  for (int i = 0; i < kHeight; ++i)
#pragma GCC unroll 3
    for (int v = 0; v < 3; ++v) sums[i][v] = _mm512_setzero_pd();
  for (std::int64_t r = 0; r < rows; ++r, a += kStrip, b += kStrip) {
    const __m512d b0 = _mm512_loadu_pd(b), b1 = _mm512_loadu_pd(b + 8),
                  b2 = _mm512_loadu_pd(b + 16);
#pragma GCC unroll 8
    for (int i = 0; i < kHeight; ++i) {
      const __m512d ai = _mm512_set1_pd(a[i]);
      sums[i][0] = _mm512_fmadd_pd(ai, b0, sums[i][0]);
      sums[i][1] = _mm512_fmadd_pd(ai, b1, sums[i][1]);
      sums[i][2] = _mm512_fmadd_pd(ai, b2, sums[i][2]);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < kHeight; ++i)
#pragma GCC unroll 3
    for (int v = 0; v < 3; ++v) {
      double* const to = g + i * stride + 8 * v;
      _mm512_storeu_pd(to, _mm512_add_pd(_mm512_loadu_pd(to), sums[i][v]));
    }
}

Product best_product() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") ? product_avx512
                                                                                 : product_plain;
}

}  // namespace

DoubleGram::DoubleGram(std::int64_t columns)
    : stride_((columns + kStrip - 1) / kStrip * kStrip),
      strips_(std::make_unique<double[]>(static_cast<std::size_t>(stride_ * kRows))) {}
DoubleGram::~DoubleGram() = default;
DoubleGram::DoubleGram(DoubleGram&&) noexcept = default;

void DoubleGram::load(std::int64_t rows, std::int64_t first_col, std::int64_t cols,
                      const double* from, std::int64_t stride) {
  HADAL_CHECK(rows <= kRows && first_col + cols <= stride_);
  for (std::int64_t r = 0; r < rows; ++r, from += stride)
    for (std::int64_t done = 0; done < cols;) {
      const std::int64_t column = first_col + done;
      const std::int64_t some = std::min(cols - done, kStrip - column % kStrip);
      std::memcpy(&strips_[static_cast<std::size_t>((column / kStrip * kRows + r) * kStrip +
                                                    column % kStrip)],
                  from + done, static_cast<std::size_t>(some) * sizeof(double));
      done += some;
    }
}

void DoubleGram::add(std::int64_t rows, std::span<double> g) {
  static const Product product = best_product();
  HADAL_CHECK(rows <= kRows && g.size() == size());
  const auto strip = [&](std::int64_t j) {
    return strips_.get() + static_cast<std::ptrdiff_t>(j * kRows);  // j a multiple of kStrip
  };
  for (std::int64_t j = 0; j < stride_; j += kStrip)
    for (std::int64_t i = 0; i < j + kStrip; i += kHeight)
      product(rows, strip(i / kStrip * kStrip) + i % kStrip, strip(j), g.data() + i * stride_ + j,
              stride_);
}

}  // namespace hadal::linalg

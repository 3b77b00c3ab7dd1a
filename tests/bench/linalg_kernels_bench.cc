// The row kernels on one thread: GFLOP/s by processor time, the share of the machine's peak of
// fused multiply-adds, and the ratio to OpenBLAS doing the same products, all measured in turn in
// one run.
//
//   linalg_kernels_bench [seconds a measurement] [shapes whose names hold this]
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include <cblas.h>
#include <fmt/format.h>
#include <time.h>

#include "core/base/random.h"
#include "core/cpu/avx512.h"
#include "core/linalg/gaussian.h"
#include "core/linalg/mixed_kernels.h"
#include "core/linalg/one_blas_thread.h"
#include "core/linalg/row_kernels.h"

namespace hadal::linalg {
namespace {

using matrix::Element;

constexpr std::int64_t kColumns = 60;            // l
constexpr std::int64_t kMostBytes = 64LL << 20;  // of the matrix: beyond the caches
constexpr int kRounds = 12;

double seconds() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// The best rate of a few rounds, each as many calls as take `budget_s`.
double rate(double work, double budget_s, const std::function<void()>& call) {
  call();
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    const double begin = seconds();
    int calls = 0;
    do {
      call();
      ++calls;
    } while (seconds() - begin < budget_s);
    best = std::max(best, work * calls / (seconds() - begin));
  }
  return best;
}

HADAL_AVX512 float fma_chains(std::int64_t steps) {
  __m512 sums[20];
  for (__m512& sum : sums) sum = _mm512_set1_ps(1);
  const __m512 x = _mm512_set1_ps(0.999f), y = _mm512_set1_ps(1e-3f);
  for (std::int64_t i = 0; i < steps; ++i)
#pragma GCC unroll 20
    for (__m512& sum : sums) sum = _mm512_fmadd_ps(sum, x, y);
  float total = 0;
  for (const __m512& sum : sums) total += _mm512_reduce_add_ps(sum);
  return total;
}

__attribute__((target("avx2,fma"))) float fma_chains_avx2(std::int64_t steps) {
  __m256 sums[12];
  for (__m256& sum : sums) sum = _mm256_set1_ps(1);
  const __m256 x = _mm256_set1_ps(0.999f), y = _mm256_set1_ps(1e-3f);
  for (std::int64_t i = 0; i < steps; ++i)
#pragma GCC unroll 12
    for (__m256& sum : sums) sum = _mm256_fmadd_ps(sum, x, y);
  float total = 0;
  for (const __m256& sum : sums) total += _mm256_cvtss_f32(sum);
  return total;
}

volatile float sink;

double peak_flops(double budget_s) {
  constexpr std::int64_t kSteps = 1000000;
  constexpr auto kWork = static_cast<double>(kSteps);
  if (best_isa() == Isa::kAvx512)
    return rate(kWork * 20 * 32, budget_s, [] { sink = fma_chains(kSteps); });
  return rate(kWork * 12 * 16, budget_s, [] { sink = fma_chains_avx2(kSteps); });
}

struct Shape {
  const char* name;
  std::int64_t rows, cols;
  Element element;
};

void print(const Shape& shape, const char* kernel, double flops, double peak, double blas) {
  fmt::print("{:<20} {:<14} {:8.1f} {:7.2f} {:10.1f} {:8.2f}\n", shape.name, kernel, flops / 1e9,
             flops / peak, blas / 1e9, flops / blas);
  std::fflush(stdout);
}

void measure(const Shape& shape, double peak, double budget_s) {
  const std::int64_t n = shape.cols, l = kColumns;
  const std::int64_t m = std::min(shape.rows, kMostBytes / 4 / n) / kGroupRows * kGroupRows;
  const double dm = static_cast<double>(m), dn = static_cast<double>(n),
               dl = static_cast<double>(l);
  std::vector<float> floats(static_cast<std::size_t>(m * n));
  std::vector<std::uint8_t> pixels(floats.size());
  for (std::size_t i = 0; i < floats.size(); ++i) {
    pixels[i] = static_cast<std::uint8_t>(i * 2654435761u >> 13);
    floats[i] = static_cast<float>(pixels[i]);
  }
  const bool is_pixels = shape.element == Element::kU8;
  const auto block = [&](std::int64_t first, std::int64_t rows) {
    const void* data = is_pixels ? static_cast<const void*>(pixels.data() + first * n)
                                 : static_cast<const void*>(floats.data() + first * n);
    return RowBlock{data, shape.element, rows, n, n};
  };
  const auto over_groups = [&](std::int64_t rows, const auto& call) {
    for (std::int64_t i = 0; i < m; i += rows) call(i, std::min(rows, m - i));
  };
  const DenseMatrix x = gaussian_matrix({1}, n, l);
  const std::vector<float> x_floats(x.values.begin(), x.values.end());
  const auto count = [](std::int64_t value) { return static_cast<int>(value); };
  const PackedMatrix<float> packed(x);
  RowKernels<float> kernels(n);

  {
    std::vector<float> y(static_cast<std::size_t>(m * l)), s(static_cast<std::size_t>(n * l));
    const double ours = rate(2 * dm * dn * dl, budget_s, [&] {
      over_groups(kGroupRows, [&](std::int64_t i, std::int64_t rows) {
        kernels.apply(block(i, rows), packed, y.data() + i * l);
      });
    });
    const double blas = rate(2 * dm * dn * dl, budget_s, [&] {
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, count(m), count(l), count(n), 1,
                  floats.data(), count(n), x_floats.data(), count(l), 0, y.data(), count(l));
    });
    print(shape, "apply", ours, peak, blas);

    FixedPointSum sum(n * l, 0);
    const double fused = rate(4 * dm * dn * dl, budget_s, [&] {
      over_groups(kGroupRows, [&](std::int64_t i, std::int64_t rows) {
        kernels.fused(block(i, rows), packed, sum);
      });
    });
    const double blas_fused = rate(4 * dm * dn * dl, budget_s, [&] {
      over_groups(1024, [&](std::int64_t i, std::int64_t rows) {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, count(rows), count(l), count(n), 1,
                    floats.data() + i * n, count(n), x_floats.data(), count(l), 0, y.data(),
                    count(l));
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, count(n), count(l), count(rows), 1,
                    floats.data() + i * n, count(n), y.data(), count(l), 1, s.data(), count(l));
      });
    });
    print(shape, "fused", fused, peak, blas_fused);

    const MixedMatrix mixed_x(x);
    MixedKernels mixed_kernels(n);
    const double mixed = rate(4 * dm * dn * dl, budget_s, [&] {
      over_groups(kGroupRows, [&](std::int64_t i, std::int64_t rows) {
        mixed_kernels.fused(block(i, rows), mixed_x, sum);
      });
    });
    print(shape, "fused, mixed", mixed, peak, blas_fused);
  }
  {
    FixedPointSum sum(packed_size(n), 0);
    std::vector<float> g(static_cast<std::size_t>(n * n));
    const double ours = rate(dm * dn * (dn + 1), budget_s, [&] {
      over_groups(is_pixels ? 4096 : kGroupRows,
                  [&](std::int64_t i, std::int64_t rows) { kernels.gram(block(i, rows), sum); });
    });
    const double blas = rate(dm * dn * (dn + 1), budget_s, [&] {
      cblas_ssyrk(CblasRowMajor, CblasUpper, CblasTrans, count(n), count(m), 1, floats.data(),
                  count(n), 0, g.data(), count(n));
    });
    print(shape, is_pixels ? "gram, exact" : "gram", ours, peak, blas);
  }
}

void measure_all(double budget_s, const std::string& wanted) {
  const OneBlasThread one;
  const double peak = peak_flops(budget_s);
  fmt::print("peak of fused multiply-adds, float32, one thread: {:.1f} GFLOP/s\n\n", peak / 1e9);
  fmt::print("{:<20} {:<14} {:>8} {:>7} {:>10} {:>8}\n", "matrix", "kernel", "GFLOP/s", "of peak",
             "OpenBLAS", "ratio");
  for (const Shape& shape : {Shape{"100000x1000 f32", 100000, 1000, Element::kF32},
                             {"60000x784 u8", 60000, 784, Element::kU8},
                             {"60000x784 f32", 60000, 784, Element::kF32},
                             {"2000000x100 f32", 2000000, 100, Element::kF32},
                             {"50000x3072 u8", 50000, 3072, Element::kU8},
                             {"50000x3072 f32", 50000, 3072, Element::kF32}})
    if (std::string(shape.name).find(wanted) != std::string::npos) measure(shape, peak, budget_s);
}

}  // namespace
}  // namespace hadal::linalg

int main(int argc, char** argv) {
  hadal::linalg::measure_all(argc > 1 ? std::atof(argv[1]) : 0.3, argc > 2 ? argv[2] : "");
}

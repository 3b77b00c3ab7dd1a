#include "experiments/studies/eigenfaces/projector.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <immintrin.h>

#include "core/base/error.h"

// Compiled for AVX-512 with VNNI in a build for any x86-64, called only where the machine has it.
#define HADAL_VNNI __attribute__((target("avx512f,avx512bw,avx512vnni")))

namespace hadal::eigenfaces {
namespace {

constexpr std::int64_t kStep = 32;  // pixels of a step: one register of 16-bit integers
constexpr int kGroup = 8;           // rows side by side
// Steps until 32 bits could overflow: 256 * 2 * 128 * 32767 < 2^31.
constexpr std::int64_t kRun = 256;

// Layout of rows_: for each group of rows, for each step, 32 values of each row of the group.
// sums: one a row. The integers are the same however they are added.
using Product = void (*)(const std::int16_t* rows, const std::int16_t* y, std::int64_t steps,
                         int count, double* sums);

void product_plain(const std::int16_t* rows, const std::int16_t* y, std::int64_t steps, int count,
                   double* sums) {
  for (int first = 0; first < count; first += kGroup) {
    const int group = std::min(kGroup, count - first);
    std::vector<std::int64_t> sum(static_cast<std::size_t>(group));
    for (std::int64_t step = 0; step < steps; ++step)
      for (int r = 0; r < group; ++r, rows += kStep) {
        std::int32_t part = 0;
        for (std::int64_t i = 0; i < kStep; ++i)
          part += std::int32_t{rows[i]} * y[step * kStep + i];
        sum[static_cast<std::size_t>(r)] += part;
      }
    for (int r = 0; r < group; ++r)
      sums[first + r] = static_cast<double>(sum[static_cast<std::size_t>(r)]);
  }
}

template <int kRows>
HADAL_VNNI const std::int16_t* product_group(const std::int16_t* rows, const std::int16_t* y,
                                             std::int64_t steps, double* sums) {
  std::int64_t total[kRows] = {};
  for (std::int64_t first = 0; first < steps; first += kRun) {
    __m512i run[kRows];
    for (auto& r : run) r = _mm512_setzero_si512();
    const std::int64_t last = std::min(steps, first + kRun);
    for (std::int64_t step = first; step < last; ++step) {
      const __m512i pixels = _mm512_loadu_si512(y + step * kStep);
      for (int r = 0; r < kRows; ++r, rows += kStep)
        run[r] = _mm512_dpwssd_epi32(run[r], pixels, _mm512_loadu_si512(rows));
    }
    for (int r = 0; r < kRows; ++r) {
      alignas(64) std::int32_t lanes[16];
      _mm512_store_si512(lanes, run[r]);
      for (const std::int64_t lane : lanes) total[r] += lane;
    }
  }
  for (int r = 0; r < kRows; ++r) sums[r] = static_cast<double>(total[r]);
  return rows;
}

HADAL_VNNI void product_vnni(const std::int16_t* rows, const std::int16_t* y, std::int64_t steps,
                             int count, double* sums) {
  for (; count >= kGroup; count -= kGroup, sums += kGroup)
    rows = product_group<kGroup>(rows, y, steps, sums);
  switch (count) {
    case 7:
      product_group<7>(rows, y, steps, sums);
      break;
    case 6:
      product_group<6>(rows, y, steps, sums);
      break;
    case 5:
      product_group<5>(rows, y, steps, sums);
      break;
    case 4:
      product_group<4>(rows, y, steps, sums);
      break;
    case 3:
      product_group<3>(rows, y, steps, sums);
      break;
    case 2:
      product_group<2>(rows, y, steps, sums);
      break;
    case 1:
      product_group<1>(rows, y, steps, sums);
      break;
    default:
      break;
  }
}

Product best_product() {
  return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") ? product_vnni
                                                                                    : product_plain;
}

}  // namespace

Projector::Projector(const Model& model)
    : n_(model.n()),
      steps_((model.n() + kStep - 1) / kStep),
      lighting_(model.lighting),
      eigenvalues_(model.eigenvalues) {
  std::vector<float> mean = model.mean;
  for (float& value : mean) {
    value -= 128;
    mean_sum_ += value;
    mean_squared_ += double{value} * value;
  }
  const int count = model.k() + 1;
  rows_.resize(static_cast<std::size_t>(count * steps_ * kStep));
  std::int16_t* to = rows_.data();
  for (int first = 0; first < count; first += kGroup) {
    const int group = std::min(kGroup, count - first);
    for (int r = 0; r < group; ++r) {
      const std::span<const float> u =
          first + r < model.k() ? model.eigenface(first + r) : std::span<const float>(mean);
      Row row{};
      float largest = 0;
      for (std::size_t p = 0; p < u.size(); ++p) {
        largest = std::max(largest, std::abs(u[p]));
        row.sum += u[p];
        row.with_mean += double{u[p]} * mean[p];
      }
      row.scale = largest > 0 ? largest / 32767.0 : 1;
      of_row_.push_back(row);
      for (std::int64_t p = 0; p < n_; ++p)
        to[((p / kStep) * group + r) * kStep + p % kStep] =
            static_cast<std::int16_t>(std::lround(u[static_cast<std::size_t>(p)] / row.scale));
    }
    to += group * steps_ * kStep;
  }
}

Projector::Result Projector::project(std::span<const std::uint8_t> picture) const {
  if (static_cast<std::int64_t>(picture.size()) != n_)
    throw ShapeError(
        fmt::format("eigenfaces: a picture of {} pixels, the model has {}", picture.size(), n_));
  std::vector<std::int16_t> y(static_cast<std::size_t>(steps_ * kStep));
  std::int64_t sum = 0, squares = 0;
  for (std::int64_t first = 0; first < n_; first += 1 << 15) {
    const std::int64_t last = std::min<std::int64_t>(n_, first + (1 << 15));
    std::int32_t part = 0, squared = 0;
    for (std::int64_t p = first; p < last; ++p) {
      const auto value = static_cast<std::int16_t>(picture[static_cast<std::size_t>(p)] - 128);
      y[static_cast<std::size_t>(p)] = value;
      part += value;
      squared += value * value;
    }
    sum += part;
    squares += squared;
  }
  static const Product product = best_product();
  const std::size_t k = eigenvalues_.size();
  std::vector<double> products(k + 1);
  product(rows_.data(), y.data(), steps_, static_cast<int>(k) + 1, products.data());

  const Relight to = relight(lighting_, n_, sum + 128 * n_, squares + 256 * sum + 128 * 128 * n_);
  const double a = to.scale, c = 128 * a + to.shift - 128;
  Result result{.weights = std::vector<float>(k)};
  double squared = a * a * static_cast<double>(squares) + 2 * a * c * static_cast<double>(sum) +
                   static_cast<double>(n_) * c * c - 2 * a * of_row_[k].scale * products[k] -
                   2 * c * mean_sum_ + mean_squared_;
  for (std::size_t i = 0; i < k; ++i) {
    const Row& row = of_row_[i];
    const double w = a * row.scale * products[i] + c * row.sum - row.with_mean;
    result.weights[i] = static_cast<float>(w);
    squared -= w * w;
    result.distance.in_squared += w * w / eigenvalues_[i];
  }
  result.distance.from_squared = std::max(0.0, squared);
  return result;
}

}  // namespace hadal::eigenfaces

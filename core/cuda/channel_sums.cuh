// Sums over all pixels of a channel, in double and always in the same order: a thread adds up 64
// rows of one channel, then 32 of those partial sums, and so on until one is left.
#pragma once

#include <cstddef>

#include "core/cuda/parallel.cuh"

namespace hadal::cuda {

template <int kTerms>
struct Sums {
  double of[kTerms] = {};
};

inline constexpr std::int64_t kFirstRows = 64, kMoreRows = 32;

HADAL_PORTABLE inline std::int64_t divide_up(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

/// Bytes that sum_channels() needs.
template <int kTerms>
std::size_t channel_sums_bytes(std::int64_t rows, std::int64_t channels) {
  std::int64_t partials = 0;
  for (std::int64_t left = divide_up(rows, kFirstRows);; left = divide_up(left, kMoreRows)) {
    partials += left;
    if (left <= 1) break;
  }
  return sizeof(Sums<kTerms>) * static_cast<std::size_t>(partials * channels);
}

/// term(row, channel) -> Sums; finish(channel, sums) is called once per channel at the end. Both
/// run on the device.
template <int kTerms, typename Term, typename Finish>
void sum_channels(const Queue& queue, std::int64_t rows, std::int64_t channels,
                  std::byte* workspace, const Term& term, const Finish& finish) {
  auto* partial = reinterpret_cast<Sums<kTerms>*>(workspace);
  std::int64_t left = divide_up(rows, kFirstRows);
  for_each(queue, left * channels, [=] HADAL_DEVICE(std::int64_t i) {
    const std::int64_t channel = i % channels, first = i / channels * kFirstRows;
    const std::int64_t end = first + kFirstRows < rows ? first + kFirstRows : rows;
    Sums<kTerms> sums;
    for (std::int64_t row = first; row < end; ++row) {
      const Sums<kTerms> one = term(row, channel);
      for (int k = 0; k < kTerms; ++k) sums.of[k] += one.of[k];
    }
    partial[i] = sums;
  });
  while (left > 1) {
    const std::int64_t before = left;
    const Sums<kTerms>* const from = partial;
    partial += before * channels;
    left = divide_up(before, kMoreRows);
    Sums<kTerms>* const to = partial;
    for_each(queue, left * channels, [=] HADAL_DEVICE(std::int64_t i) {
      const std::int64_t channel = i % channels, first = i / channels * kMoreRows;
      const std::int64_t end = first + kMoreRows < before ? first + kMoreRows : before;
      Sums<kTerms> sums;
      for (std::int64_t row = first; row < end; ++row)
        for (int k = 0; k < kTerms; ++k) sums.of[k] += from[row * channels + channel].of[k];
      to[i] = sums;
    });
  }
  const Sums<kTerms>* const total = partial;
  for_each(queue, channels, [=] HADAL_DEVICE(std::int64_t c) { finish(c, total[c]); });
}

}  // namespace hadal::cuda

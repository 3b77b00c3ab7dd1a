// Leaves of a sum whose bits depend on the order of the additions, and that sum by the definition
// of the tree: split at the largest power of two below the count. Independent of dist/shard_tree.h.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/base/random.h"

namespace hadal::dist {

/// Normal numbers times powers of ten from 1e-3 to 1e3: nearly every order of additions rounds
/// differently somewhere.
inline std::vector<float> leaf(int index, std::int64_t elements, std::uint64_t seed = 1) {
  const random::Stream stream{seed, random::Purpose::kTest, static_cast<std::uint64_t>(index)};
  std::vector<float> values(static_cast<std::size_t>(elements));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double scale = std::pow(10.0, static_cast<int>(i % 7) - 3);
    values[i] = static_cast<float>(random::normal(stream, i) * scale);
  }
  return values;
}

inline std::vector<float> tree_sum_of_leaves(int first, int count, std::int64_t elements,
                                             std::uint64_t seed = 1) {
  if (count == 1) return leaf(first, elements, seed);
  const int left = static_cast<int>(std::bit_floor(static_cast<unsigned>(count - 1)));
  auto sum = tree_sum_of_leaves(first, left, elements, seed);
  const auto right = tree_sum_of_leaves(first + left, count - left, elements, seed);
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += right[i];
  return sum;
}

}  // namespace hadal::dist

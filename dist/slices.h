// How an array is cut among ranks that each sum a part of it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

namespace hadal::dist {

/// Part `rank` of `ranks`, cut between cache lines; as equal as that allows, the last ones may be
/// empty.
template <typename T>
std::span<T> slice_of(std::span<T> values, int rank, int ranks) {
  constexpr std::size_t kLine = 64 / sizeof(T);
  const std::size_t lines = (values.size() + kLine - 1) / kLine;
  const auto cut = [&](int i) {
    return std::min(values.size(),
                    lines * static_cast<std::size_t>(i) / static_cast<std::size_t>(ranks) * kLine);
  };
  return values.subspan(cut(rank), cut(rank + 1) - cut(rank));
}

}  // namespace hadal::dist

#include "core/data/permutation.h"

#include <numeric>
#include <utility>

#include "core/base/error.h"

namespace hadal::data {

std::vector<std::int64_t> permutation(std::int64_t count, const random::Stream& stream) {
  HADAL_CHECK(count >= 0 && count <= std::int64_t{0xffffffff});
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  std::array<std::uint32_t, 4> words{};
  for (std::uint64_t draw = 0, left = order.size(); left > 1; --left, ++draw) {
    if (draw % 4 == 0) words = random::block(stream, draw / 4);
    const std::uint64_t chosen = (words[draw % 4] * left) >> 32;
    std::swap(order[left - 1], order[chosen]);
  }
  return order;
}

}  // namespace hadal::data

#include "dist/linalg/summed_pass.h"

#include <algorithm>

namespace hadal::dist {

using linalg::FixedPointSum;

namespace {

constexpr std::size_t kReducedAtOnce = std::size_t{1} << 20;  // words

}  // namespace

void SummedPass::all_reduce(FixedPointSum& sum) {
  if (comm_.size() == 1) return;
  const std::span<std::int64_t> words = sum.words();
  std::vector<OrderedAllReduce::Ticket> tickets;
  for (std::size_t at = 0; at < words.size(); at += kReducedAtOnce)
    tickets.push_back(
        reduce_.start(words.subspan(at, std::min(kReducedAtOnce, words.size() - at))));
  for (const auto ticket : tickets) reduce_.wait(ticket);
  counters_.all_reduce_bytes += static_cast<std::int64_t>(words.size_bytes());
}

SummedPass::Sums SummedPass::read(std::vector<SumShape> shapes, std::int64_t held_bytes,
                                  const Work& work, const OnOverflow& on_overflow) {
  for (;;) {
    std::vector<std::vector<FixedPointSum>> by_thread(static_cast<std::size_t>(pass_.threads()));
    std::int64_t bytes = held_bytes + pass_.counters().buffer_bytes;
    for (std::vector<FixedPointSum>& sums : by_thread)
      for (const SumShape& shape : shapes) {
        sums.emplace_back(shape.size, shape.exponent, shape.limbs);
        bytes += static_cast<std::int64_t>(sums.back().words().size_bytes());
      }
    counters_.peak_bytes = std::max(counters_.peak_bytes, bytes);
    pass_.run([&](int thread, const Group& group) {
      work(thread, group, by_thread[static_cast<std::size_t>(thread)]);
    });
    std::vector<FixedPointSum>& total = by_thread.front();
    const std::int64_t reduced_before = counters_.all_reduce_bytes;
    bool overflowed = false;
    for (std::size_t s = 0; s < total.size(); ++s) {
      for (std::size_t t = 1; t < by_thread.size(); ++t) total[s].merge(by_thread[t][s]);
      all_reduce(total[s]);
      if (!total[s].overflowed()) continue;
      overflowed = true;
      shapes[s].exponent = total[s].needed_exponent();
    }
    counters_.all_reduce_bytes_of_a_pass =
        std::max(counters_.all_reduce_bytes_of_a_pass, counters_.all_reduce_bytes - reduced_before);
    if (overflowed) {
      on_overflow(shapes);
      continue;
    }
    Sums values;
    for (const FixedPointSum& sum : total) values.push_back(sum.values());
    return values;
  }
}

}  // namespace hadal::dist

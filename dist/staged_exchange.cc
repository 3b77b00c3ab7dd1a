#include "dist/staged_exchange.h"

#include <memory>
#include <vector>

#include "core/base/error.h"

namespace hadal::dist {
namespace {

// Above those of OrderedAllReduce.
constexpr int kTag = Communicator::kMaxTag;

template <typename Spans>
std::size_t elements_of(const Spans& spans, int but_rank) {
  std::size_t elements = 0;
  for (int rank = 0; rank < static_cast<int>(spans.size()); ++rank)
    if (rank != but_rank) elements += spans[rank].size();
  return elements;
}

}  // namespace

void StagedExchange::exchange(std::span<const std::span<const float>> outgoing,
                              std::span<const std::span<float>> incoming) {
  const int ranks = comm_.size(), own = comm_.rank();
  HADAL_CHECK(static_cast<int>(outgoing.size()) == ranks);
  HADAL_CHECK(static_cast<int>(incoming.size()) == ranks);
  std::span<float> rest = host(elements_of(outgoing, own) + elements_of(incoming, own));
  const auto take = [&](std::size_t elements) {
    const std::span<float> taken = rest.first(elements);
    rest = rest.subspan(elements);
    return taken;
  };
  std::vector<std::unique_ptr<Request>> requests;
  std::vector<std::span<float>> arrived(static_cast<std::size_t>(ranks));
  for (int rank = 0; rank < ranks; ++rank) {
    if (rank == own || incoming[rank].empty()) continue;
    arrived[rank] = take(incoming[rank].size());
    requests.push_back(comm_.start_receive(std::as_writable_bytes(arrived[rank]), rank, kTag));
  }
  for (int i = 1; i < ranks; ++i) {
    const int rank = (own + i) % ranks;
    if (outgoing[rank].empty()) continue;
    const auto bytes = std::as_writable_bytes(take(outgoing[rank].size()));
    device_.download(std::as_bytes(outgoing[rank]).data(), bytes.data(), bytes.size());
    requests.push_back(comm_.start_send(bytes, rank, kTag));
  }
  while (std::erase_if(requests, [](auto& request) { return request->test(); }), !requests.empty())
    comm_.relax();
  for (int rank = 0; rank < ranks; ++rank)
    if (!arrived[rank].empty())
      device_.upload(std::as_bytes(arrived[rank]).data(),
                     std::as_writable_bytes(incoming[rank]).data(), arrived[rank].size_bytes());
}

void StagedExchange::all_reduce(std::span<float> values) {
  const auto bytes = std::as_writable_bytes(values);
  const std::span<float> sum = host(values.size());
  device_.download(bytes.data(), std::as_writable_bytes(sum).data(), bytes.size());
  all_reduce_.wait(all_reduce_.start(sum));
  device_.upload(std::as_bytes(sum).data(), bytes.data(), bytes.size());
}

std::span<float> StagedExchange::host(std::size_t elements) {
  if (host_.bytes() < elements * sizeof(float)) host_ = AlignedBuffer(elements * sizeof(float));
  return {reinterpret_cast<float*>(host_.data()), elements};
}

}  // namespace hadal::dist

#include "dist/communicator.h"

#include <algorithm>
#include <cstring>

#include <unistd.h>

#include "core/base/error.h"
#include "dist/heartbeat.h"

namespace hadal::dist {
namespace {

template <typename T>
void combine(std::span<T> into, const std::vector<std::byte>& part, ReduceOp op) {
  HADAL_CHECK(part.size() == into.size_bytes());
  for (std::size_t i = 0; i < into.size(); ++i) {
    T value;
    std::memcpy(&value, part.data() + i * sizeof(T), sizeof(T));
    switch (op) {
      case ReduceOp::kMin:
        into[i] = std::min(into[i], value);
        break;
      case ReduceOp::kMax:
        into[i] = std::max(into[i], value);
        break;
      case ReduceOp::kSum:
        into[i] += value;
        break;
    }
  }
}

template <typename T>
void all_reduce_by_gather(Communicator& comm, std::span<T> values, ReduceOp op) {
  const auto parts = comm.all_gather(std::as_bytes(values));
  HADAL_CHECK(parts.front().size() == values.size_bytes());
  if (!values.empty()) std::memcpy(values.data(), parts.front().data(), values.size_bytes());
  for (std::size_t rank = 1; rank < parts.size(); ++rank) combine(values, parts[rank], op);
}

}  // namespace

void Communicator::barrier() {
  const Heartbeat::Waiting waiting(heartbeat_, "barrier");
  do_barrier();
}

void Communicator::broadcast(std::span<std::byte> bytes, int root) {
  HADAL_CHECK(root >= 0 && root < size());
  const Heartbeat::Waiting waiting(heartbeat_, "broadcast");
  do_broadcast(bytes, root);
}

std::vector<std::vector<std::byte>> Communicator::all_gather(std::span<const std::byte> bytes) {
  const Heartbeat::Waiting waiting(heartbeat_, "all-gather");
  return do_all_gather(bytes);
}

std::vector<std::string> Communicator::all_gather(std::string_view text) {
  const auto parts = all_gather(std::as_bytes(std::span(text.data(), text.size())));
  std::vector<std::string> texts;
  for (const auto& part : parts)
    texts.emplace_back(reinterpret_cast<const char*>(part.data()), part.size());
  return texts;
}

void Communicator::all_reduce(std::span<std::int64_t> values, ReduceOp op) {
  all_reduce_by_gather(*this, values, op);
}

void Communicator::all_reduce(std::span<double> values, ReduceOp op) {
  all_reduce_by_gather(*this, values, op);
}

std::int64_t Communicator::all_reduce(std::int64_t value, ReduceOp op) {
  all_reduce(std::span(&value, 1), op);
  return value;
}

double Communicator::all_reduce(double value, ReduceOp op) {
  all_reduce(std::span(&value, 1), op);
  return value;
}

int local_rank(Communicator& comm) {
  const std::vector<std::string> hosts = comm.all_gather(comm.host());
  return static_cast<int>(std::count(hosts.begin(), hosts.begin() + comm.rank(), comm.host()));
}

std::string host_name() {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0) return "localhost";
  return name;
}

}  // namespace hadal::dist

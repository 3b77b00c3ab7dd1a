#include "dist/thread_communicator.h"

#include <condition_variable>
#include <cstring>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "core/base/error.h"

namespace hadal::dist {
namespace {

using Bytes = std::vector<std::byte>;

// What the ranks share; every field is guarded by the mutex. A message is copied when it is sent,
// so a send is complete at once.
class Hub {
 public:
  explicit Hub(int ranks) : ranks_(ranks) {}

  void send(int from, int to, int tag, std::span<const std::byte> bytes) {
    const std::lock_guard lock(mutex_);
    require_alive();
    Channel& channel = channels_[{from, to, tag}];
    channel.messages.emplace(channel.sent++, Bytes(bytes.begin(), bytes.end()));
    changed_.notify_all();
  }

  /// The place in line of a receive; messages of one channel are matched in order.
  std::uint64_t post_receive(int from, int to, int tag) {
    const std::lock_guard lock(mutex_);
    return channels_[{from, to, tag}].posted++;
  }

  std::optional<Bytes> take(int from, int to, int tag, std::uint64_t place) {
    const std::lock_guard lock(mutex_);
    Channel& channel = channels_[{from, to, tag}];
    const auto found = channel.messages.find(place);
    if (found == channel.messages.end()) {
      require_alive();
      return std::nullopt;
    }
    Bytes bytes = std::move(found->second);
    channel.messages.erase(found);
    return bytes;
  }

  // Round after round: all ranks put their part, then all take a copy.
  std::vector<Bytes> gather(int rank, std::span<const std::byte> bytes) {
    std::unique_lock lock(mutex_);
    const std::uint64_t number = next_round_[rank]++;
    Round& round = rounds_[number];
    if (round.parts.empty()) round.parts.resize(static_cast<std::size_t>(ranks_));
    round.parts[static_cast<std::size_t>(rank)].assign(bytes.begin(), bytes.end());
    if (++round.arrived == ranks_) changed_.notify_all();
    changed_.wait(lock, [&] { return round.arrived == ranks_ || !failed_.empty(); });
    if (round.arrived < ranks_) require_alive();
    std::vector<Bytes> parts = round.parts;
    if (++round.left == ranks_) rounds_.erase(number);
    return parts;
  }

  void wait_for_change() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::microseconds(200));
  }

  void fail(const std::string& reason) {
    const std::lock_guard lock(mutex_);
    if (failed_.empty()) failed_ = reason;
    changed_.notify_all();
  }

 private:
  struct Channel {
    std::uint64_t sent = 0, posted = 0;
    std::map<std::uint64_t, Bytes> messages;
  };
  struct Round {
    std::vector<Bytes> parts;
    int arrived = 0, left = 0;
  };

  void require_alive() const {
    if (!failed_.empty()) throw CommError(failed_);
  }

  const int ranks_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::tuple<int, int, int>, Channel> channels_;
  std::map<int, std::uint64_t> next_round_;
  std::map<std::uint64_t, Round> rounds_;
  std::string failed_;
};

class DoneRequest final : public Request {
 public:
  bool test() override { return true; }
};

class ReceiveRequest final : public Request {
 public:
  ReceiveRequest(Hub& hub, std::span<std::byte> into, int from, int to, int tag)
      : hub_(hub),
        into_(into),
        from_(from),
        to_(to),
        tag_(tag),
        place_(hub.post_receive(from, to, tag)) {}

  bool test() override {
    if (done_) return true;
    const auto bytes = hub_.take(from_, to_, tag_, place_);
    if (!bytes) return false;
    if (bytes->size() != into_.size())
      throw OutOfStepError(fmt::format("rank {} sends {} bytes where rank {} expects {} (tag {})",
                                       from_, bytes->size(), to_, into_.size(), tag_));
    if (!bytes->empty()) std::memcpy(into_.data(), bytes->data(), bytes->size());
    return done_ = true;
  }

 private:
  Hub& hub_;
  std::span<std::byte> into_;
  int from_, to_, tag_;
  std::uint64_t place_;
  bool done_ = false;
};

class ThreadCommunicator final : public Communicator {
 public:
  ThreadCommunicator(Hub& hub, int rank, int size) : hub_(hub), rank_(rank), size_(size) {}

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  const std::string& host() const override { return host_; }

  std::unique_ptr<Request> start_send(std::span<const std::byte> bytes, int to, int tag) override {
    HADAL_CHECK(to >= 0 && to < size_ && tag >= 0 && tag <= kMaxTag);
    hub_.send(rank_, to, tag, bytes);
    return std::make_unique<DoneRequest>();
  }
  std::unique_ptr<Request> start_receive(std::span<std::byte> bytes, int from, int tag) override {
    HADAL_CHECK(from >= 0 && from < size_ && tag >= 0 && tag <= kMaxTag);
    return std::make_unique<ReceiveRequest>(hub_, bytes, from, rank_, tag);
  }
  void relax() override { hub_.wait_for_change(); }

 private:
  void do_barrier() override { hub_.gather(rank_, {}); }
  void do_broadcast(std::span<std::byte> bytes, int root) override {
    const auto parts = hub_.gather(
        rank_, rank_ == root ? std::span<const std::byte>(bytes) : std::span<std::byte>());
    const Bytes& from_root = parts[static_cast<std::size_t>(root)];
    if (from_root.size() != bytes.size())
      throw OutOfStepError(fmt::format("broadcast: rank {} sends {} bytes, rank {} expects {}",
                                       root, from_root.size(), rank_, bytes.size()));
    if (!bytes.empty()) std::memcpy(bytes.data(), from_root.data(), bytes.size());
  }
  std::vector<Bytes> do_all_gather(std::span<const std::byte> bytes) override {
    return hub_.gather(rank_, bytes);
  }

  Hub& hub_;
  int rank_, size_;
  const std::string host_ = host_name();
};

}  // namespace

void run_ranks(int ranks, const std::function<void(Communicator&)>& body) {
  HADAL_CHECK(ranks >= 1);
  Hub hub(ranks);
  std::mutex mutex;
  std::exception_ptr first;
  const auto run = [&](int rank) {
    ThreadCommunicator comm(hub, rank, ranks);
    try {
      body(comm);
    } catch (const std::exception& error) {
      const std::lock_guard lock(mutex);
      if (!first) first = std::current_exception();
      hub.fail(fmt::format("rank {} ended: {}", rank, error.what()));
    }
  };
  std::vector<std::thread> threads;
  for (int rank = 0; rank < ranks; ++rank) threads.emplace_back(run, rank);
  for (auto& thread : threads) thread.join();
  if (first) std::rethrow_exception(first);
}

}  // namespace hadal::dist

#include "dist/ordered_all_reduce.h"

#include <algorithm>
#include <utility>

#include "core/base/error.h"
#include "dist/shard_tree.h"
#include "dist/slices.h"

namespace hadal::dist {

class OrderedAllReduce::Operation {
 public:
  virtual ~Operation() = default;
  virtual void begin(Ticket ticket) = 0;
  /// True when done.
  virtual bool advance() = 0;
  bool begun() const { return begun_; }

 protected:
  bool begun_ = false;
};

template <typename T>
class TypedOperation final : public OrderedAllReduce::Operation {
 public:
  TypedOperation(OrderedAllReduce& owner, std::span<T> values)
      : owner_(owner), comm_(owner.comm_), values_(values) {}

  ~TypedOperation() override {
    if (scratch_.bytes() > 0) owner_.scratch_.push_back(std::move(scratch_));
  }

  void begin(OrderedAllReduce::Ticket ticket) override {
    begun_ = true;
    // Reductions in flight need tags of their own, two each.
    tag_ = static_cast<int>(ticket % (Communicator::kMaxTag / 2)) * 2;
    const int ranks = comm_.size();
    const std::size_t limit =
        ranks == 2 ? owner_.options_.whole_bytes_of_two : owner_.options_.whole_bytes;
    whole_ = values_.size_bytes() <= limit;
    const std::size_t each = own().size();
    scratch_ = owner_.take_scratch(each * sizeof(T) * static_cast<std::size_t>(ranks - 1));
    T* arriving = reinterpret_cast<T*>(scratch_.data());
    for (int rank = 0; rank < ranks; ++rank) {
      leaves_.push_back(rank == comm_.rank() ? own().data() : arriving);
      if (rank == comm_.rank()) continue;
      receive({arriving, each}, rank, tag_);
      arriving += each;
    }
    for_all_others([&](int rank) { send(whole_ ? values_ : slice(rank), rank, tag_); });
  }

  bool advance() override {
    if (!all_arrived()) return false;
    if (!summed_) {
      sum();
      if (whole_) return true;
      for_all_others([&](int rank) { receive(slice(rank), rank, tag_ + 1); });
      for_all_others([&](int rank) { send(own(), rank, tag_ + 1); });
    }
    return all_arrived();
  }

 private:
  std::span<T> slice(int rank) const { return slice_of(values_, rank, comm_.size()); }
  std::span<T> own() const { return whole_ ? values_ : slice(comm_.rank()); }

  // Starting behind itself, so that not all ranks send to the same one first.
  template <typename F>
  void for_all_others(F f) {
    for (int i = 1; i < comm_.size(); ++i) f((comm_.rank() + i) % comm_.size());
  }
  void receive(std::span<T> into, int rank, int tag) {
    if (into.empty()) return;
    requests_.push_back(comm_.start_receive(std::as_writable_bytes(into), rank, tag));
  }
  void send(std::span<const T> from, int rank, int tag) {
    if (from.empty()) return;
    owner_.bytes_sent_ += static_cast<std::int64_t>(from.size_bytes());
    requests_.push_back(comm_.start_send(std::as_bytes(from), rank, tag));
  }
  bool all_arrived() {
    std::erase_if(requests_, [](auto& request) { return request->test(); });
    return requests_.empty();
  }

  // All sends are complete too, so no message reads what is summed into.
  void sum() {
    const std::span<T> mine = own();
    tree_sum<T>(leaves_, static_cast<std::int64_t>(mine.size()));
    if (leaves_[0] != mine.data()) std::copy_n(leaves_[0], mine.size(), mine.data());
    summed_ = true;
  }

  OrderedAllReduce& owner_;
  Communicator& comm_;
  std::span<T> values_;
  bool whole_ = false;
  bool summed_ = false;
  int tag_ = 0;
  AlignedBuffer scratch_;   // what arrives from the others, R-1 slices
  std::vector<T*> leaves_;  // by rank
  std::vector<std::unique_ptr<Request>> requests_;
};

OrderedAllReduce::OrderedAllReduce(Communicator& comm, const OrderedAllReduceOptions& options)
    : comm_(comm), options_(options) {
  HADAL_CHECK(options.in_flight >= 1);
}

OrderedAllReduce::~OrderedAllReduce() { operations_.clear(); }

OrderedAllReduce::Ticket OrderedAllReduce::start(std::span<float> values) {
  return enqueue(std::make_unique<TypedOperation<float>>(*this, values));
}

OrderedAllReduce::Ticket OrderedAllReduce::start(std::span<double> values) {
  return enqueue(std::make_unique<TypedOperation<double>>(*this, values));
}

OrderedAllReduce::Ticket OrderedAllReduce::start(std::span<std::int64_t> values) {
  return enqueue(std::make_unique<TypedOperation<std::int64_t>>(*this, values));
}

OrderedAllReduce::Ticket OrderedAllReduce::enqueue(std::unique_ptr<Operation> operation) {
  const Ticket ticket = first_ + operations_.size();
  operations_.push_back(std::move(operation));
  poll();
  return ticket;
}

void OrderedAllReduce::poll() {
  int in_flight = 0;
  for (std::size_t i = 0; i < operations_.size() && in_flight < options_.in_flight; ++i) {
    auto& operation = operations_[i];
    if (operation == nullptr) continue;
    if (!operation->begun()) operation->begin(first_ + i);
    if (operation->advance())
      operation.reset();
    else
      ++in_flight;
  }
  while (!operations_.empty() && operations_.front() == nullptr) {
    operations_.pop_front();
    ++first_;
  }
}

bool OrderedAllReduce::done(Ticket ticket) const {
  if (ticket < first_) return true;
  HADAL_CHECK(ticket - first_ < operations_.size());
  return operations_[ticket - first_] == nullptr;
}

void OrderedAllReduce::wait(Ticket ticket) {
  while (poll(), !done(ticket)) comm_.relax();
}

AlignedBuffer OrderedAllReduce::take_scratch(std::size_t bytes) {
  const auto fits = std::find_if(scratch_.begin(), scratch_.end(),
                                 [&](const AlignedBuffer& b) { return b.bytes() >= bytes; });
  if (fits == scratch_.end()) return bytes == 0 ? AlignedBuffer() : AlignedBuffer(bytes);
  AlignedBuffer buffer = std::move(*fits);
  scratch_.erase(fits);
  return buffer;
}

}  // namespace hadal::dist

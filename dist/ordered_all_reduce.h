// All-reduce(sum) whose bits do not depend on timing or on how the data travelled: every element is
// summed over the fixed tree of shard_tree.h on rank index.
//
// Large arrays travel by slices: rank j receives slice j of everybody, sums it in tree order, and
// sends the result to all. Each rank sends 2 (R-1)/R of the array, what a ring sends, in two steps
// instead of 2. Small arrays are sent whole to everybody and summed by all alike: one step.
//
// Nothing waits: start() returns at once and poll() moves all reductions along. Several may be
// under way; they are matched between the ranks by the order of their start() calls, which must
// therefore be the same on every rank, with the same lengths.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "core/tensor.h"
#include "dist/communicator.h"

namespace hadal::dist {

struct OrderedAllReduceOptions {
  /// Arrays up to this size are sent whole. Between two ranks both ways send the same bytes, and
  /// one step is faster until the longer sum outweighs it: 2 ranks, 256 KiB 56 against 74 us, 1 MiB
  /// 282 against 217 us; 4 ranks, 16 KiB 43 against 85 us (tests/dist/all_reduce_bench, one
  /// machine).
  std::size_t whole_bytes = 16 << 10;
  std::size_t whole_bytes_of_two = 256 << 10;
  /// Further reductions wait their turn, which bounds the memory for what arrives.
  int in_flight = 8;
};

class OrderedAllReduce {
 public:
  using Ticket = std::uint64_t;

  explicit OrderedAllReduce(Communicator& comm, const OrderedAllReduceOptions& options = {});
  ~OrderedAllReduce();
  OrderedAllReduce(const OrderedAllReduce&) = delete;
  OrderedAllReduce& operator=(const OrderedAllReduce&) = delete;

  Communicator& communicator() { return comm_; }

  /// values = sum over ranks, in place; `values` belongs to the reduction until it is done.
  Ticket start(std::span<float> values);
  Ticket start(std::span<double> values);
  Ticket start(std::span<std::int64_t> values);

  /// Moves everything along; throws CommError when ranks contradict each other or one is lost.
  void poll();
  bool done(Ticket ticket) const;
  /// Polls until `ticket` is done.
  void wait(Ticket ticket);

  /// Payload this rank has sent since it was made.
  std::int64_t bytes_sent() const { return bytes_sent_; }

  /// One reduction under way; defined in the source file.
  class Operation;

 private:
  Ticket enqueue(std::unique_ptr<Operation> operation);
  AlignedBuffer take_scratch(std::size_t bytes);
  template <typename T>
  friend class TypedOperation;

  Communicator& comm_;
  OrderedAllReduceOptions options_;
  std::deque<std::unique_ptr<Operation>> operations_;  // null: done; the front is ticket `first_`
  Ticket first_ = 0;
  std::vector<AlignedBuffer> scratch_;
  std::int64_t bytes_sent_ = 0;
};

}  // namespace hadal::dist

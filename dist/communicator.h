// A group of ranks that exchange bytes: one process, threads of one process (tests), or MPI.
//
// Control messages (barrier, broadcast, all_gather and what is built on them) block and are small.
// Data moves by start_send() and start_receive(), which return at once; nothing need move until
// somebody calls test().
//
// One thread per rank calls a communicator. All ranks call the control messages in the same order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"

namespace hadal::dist {

class Heartbeat;

/// Ranks that do not do the same: one sends what another does not expect.
struct OutOfStepError : CommError {
  using CommError::CommError;
};

/// A message under way; its buffer must live, untouched, until test() said true. Destroying it
/// earlier gives the message up, which only a rank that is about to end may do.
class Request {
 public:
  virtual ~Request() = default;
  /// True once complete; moves messages along. Throws CommError when it cannot complete any more,
  /// OutOfStepError when the message had another size than the receiver expected.
  virtual bool test() = 0;
};

enum class ReduceOp { kMin, kMax, kSum };

class Communicator {
 public:
  /// Tags of start_send and start_receive are 0..kMaxTag (what every MPI grants).
  static constexpr int kMaxTag = 32767;

  virtual ~Communicator() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// Name of the machine this rank runs on.
  virtual const std::string& host() const = 0;

  void barrier();
  void broadcast(std::span<std::byte> bytes, int root);
  /// Every rank's bytes, by rank; sizes may differ.
  std::vector<std::vector<std::byte>> all_gather(std::span<const std::byte> bytes);
  std::vector<std::string> all_gather(std::string_view text);

  /// Element by element over the ranks, in rank order (so kSum gives the same bits everywhere), in
  /// place. For a few values.
  void all_reduce(std::span<std::int64_t> values, ReduceOp op);
  void all_reduce(std::span<double> values, ReduceOp op);
  std::int64_t all_reduce(std::int64_t value, ReduceOp op);
  double all_reduce(double value, ReduceOp op);

  /// Point to point; messages with the same sender, receiver and tag match in order.
  virtual std::unique_ptr<Request> start_send(std::span<const std::byte> bytes, int to,
                                              int tag) = 0;
  virtual std::unique_ptr<Request> start_receive(std::span<std::byte> bytes, int from, int tag) = 0;
  /// Lets others run while this rank waits for a message; called between tests.
  virtual void relax() = 0;

  /// From now on blocking calls tell `heartbeat` that they wait, and for what; may be null. The
  /// heartbeat must outlive the communicator or be taken back.
  void watch(Heartbeat* heartbeat) { heartbeat_ = heartbeat; }
  Heartbeat* heartbeat() const { return heartbeat_; }

 private:
  virtual void do_barrier() = 0;
  virtual void do_broadcast(std::span<std::byte> bytes, int root) = 0;
  virtual std::vector<std::vector<std::byte>> do_all_gather(std::span<const std::byte> bytes) = 0;

  Heartbeat* heartbeat_ = nullptr;
};

/// Which of the ranks on its machine this one is, from 0. Collective.
int local_rank(Communicator& comm);

/// "node17": what gethostname() says.
std::string host_name();

}  // namespace hadal::dist

// The ranks that mpirun or srun started. Everything of MPI stays in the source file.
//
// Funneled: the thread that makes the communicator makes all calls. Open MPI moves messages only
// inside calls, and spins when it waits; waiting here yields the core, and after a while sleeps, so
// ranks that share a core do not starve each other.
#pragma once

#include <memory>
#include <string>

#include "dist/communicator.h"

namespace hadal::dist {

class MpiCommunicator final : public Communicator {
 public:
  /// Initialises MPI; once per process. Throws CommError.
  MpiCommunicator();
  /// Without finalize() MPI is left as it is: a rank that ends early must not wait for the others,
  /// and mpirun ends them when it sees the exit code.
  ~MpiCommunicator() override;

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  const std::string& host() const override { return host_; }

  std::unique_ptr<Request> start_send(std::span<const std::byte> bytes, int to, int tag) override;
  std::unique_ptr<Request> start_receive(std::span<std::byte> bytes, int from, int tag) override;
  void relax() override;

  /// Waits for all ranks and closes MPI; then the rank may end, with whatever exit code.
  void finalize();
  /// Ends all ranks now. The last call.
  [[noreturn]] void abort(int exit_code);

 private:
  struct Handles;
  class PendingRequest;

  void do_barrier() override;
  void do_broadcast(std::span<std::byte> bytes, int root) override;
  std::vector<std::vector<std::byte>> do_all_gather(std::span<const std::byte> bytes) override;
  void wait(PendingRequest& request);

  std::unique_ptr<Handles> handles_;
  int rank_ = 0, size_ = 1;
  std::string host_;
  int idle_ = 0;  // calls of relax() since something last completed
};

}  // namespace hadal::dist

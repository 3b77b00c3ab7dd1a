// All that a rank needs before it can train, made and taken down in the right order: heartbeats and
// watchdog before MPI starts, so that a start-up that hangs ends too.
//
//   World world({.run_folder = out});
//   DataParallelGroup group(world.communicator(), {.logical_shards = 8});
//   ...
//   world.finish();                     all ranks together; then any exit code may follow
//
// A World that is destroyed without finish(), by an exception, does not wait for the others: print
// the reason and return the exit code, and mpirun ends the rest within a second.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "dist/communicator.h"
#include "dist/heartbeat.h"
#include "dist/job_environment.h"
#include "dist/mpi_communicator.h"
#include "dist/watchdog.h"

namespace hadal::dist {

struct WorldOptions {
  bool use_watchdog = true;
  WatchdogOptions watchdog = {};
};

class World {
 public:
  /// A process that no launcher started is a group of one and never touches MPI. Throws CommError,
  /// also when MPI sees another group than the launcher started.
  explicit World(const WorldOptions& options = {}, const JobEnvironment& job = job_environment());
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  Communicator& communicator() { return *comm_; }
  Heartbeat& heartbeat() { return *heartbeat_; }
  /// The host of every rank.
  const std::vector<std::string>& hosts() const { return hosts_; }

  /// True for the first rank of this machine that asks: an error that several ranks meet is printed
  /// by that one. Keep the World outside the try block whose catch prints.
  bool claim_report() { return board_->claim_report(); }

  /// What the error says; of ranks that are not in step also where each of this machine is.
  std::string explain(const Error& error) const;

  /// Waits for all ranks and closes MPI.
  void finish();

 private:
  void require_group(const JobEnvironment& job) const;

  // In this order: each uses those before it.
  std::unique_ptr<HeartbeatBoard> board_;
  std::unique_ptr<Heartbeat> heartbeat_;
  std::optional<Watchdog> watchdog_;
  std::unique_ptr<Communicator> comm_;
  MpiCommunicator* mpi_ = nullptr;  // *comm_, when launched
  std::vector<std::string> hosts_;
};

}  // namespace hadal::dist

#include "dist/world.h"

#include <fmt/format.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "dist/self_communicator.h"

namespace hadal::dist {
namespace {

/// Ranks of one job that share a machine find the same name; no other job does.
std::string board_name(const JobEnvironment& job, const std::filesystem::path& run_folder) {
  if (!job.launched || job.job.empty()) return {};
  const std::string key = fmt::format(
      "{}\n{}\n{}", job.job, host_name(),
      run_folder.empty() ? std::string() : std::filesystem::absolute(run_folder).string());
  return fmt::format("/hadal-{}-{:016x}", ::geteuid(), hash64(key));
}

}  // namespace

World::World(const WorldOptions& options, const JobEnvironment& job)
    : board_(
          std::make_unique<HeartbeatBoard>(job.size, board_name(job, options.watchdog.run_folder))),
      heartbeat_(std::make_unique<Heartbeat>(*board_, job.rank)) {
  if (options.use_watchdog) watchdog_.emplace(*board_, job.rank, options.watchdog);
  if (job.launched) {
    heartbeat_->enter(Phase::kInit, "MPI_Init");
    auto mpi = std::make_unique<MpiCommunicator>();
    mpi_ = mpi.get();
    comm_ = std::move(mpi);
    require_group(job);
  } else {
    comm_ = make_self_communicator();
  }
  comm_->watch(heartbeat_.get());
  hosts_ = comm_->all_gather(comm_->host());
  if (watchdog_) watchdog_->set_hosts(hosts_);
  board_->unlink();  // after the all_gather every rank has opened it
  heartbeat_->enter(Phase::kInit, "start-up");
}

World::~World() = default;

void World::require_group(const JobEnvironment& job) const {
  if (comm_->rank() == job.rank && comm_->size() == job.size) return;
  throw CommError(
      fmt::format("the launcher started rank {} of {}, MPI sees rank {} of {}: use mpirun of the "
                  "same Open MPI, "
                  "or srun --mpi=pmix",
                  job.rank, job.size, comm_->rank(), comm_->size()));
}

std::string World::explain(const Error& error) const {
  if (dynamic_cast<const OutOfStepError*>(&error) == nullptr) return error.what();
  const Observation seen = observe(*board_, heartbeat_->rank(), hosts_);
  return fmt::format("the ranks are not in step: {}; {}", error.what(), whereabouts(seen));
}

void World::finish() {
  heartbeat_->enter(Phase::kFinalize, "finish");
  if (mpi_ != nullptr) mpi_->finalize();
}

}  // namespace hadal::dist

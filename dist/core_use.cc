#include "dist/core_use.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>
#include <sched.h>

#include "core/base/error.h"

namespace hadal::dist {

std::string CoreUse::warning(const std::string& host) const {
  return fmt::format(
      "{} ranks with {} thread{} each share {} core{} of {}: start at most {} here, or use "
      "mpirun --bind-to none --mca mpi_yield_when_idle 1",
      ranks, threads, threads == 1 ? "" : "s", cores, cores == 1 ? "" : "s", host,
      std::max(1, cores / threads));
}

CoreUse core_use(Communicator& comm, int threads_per_rank) {
  cpu_set_t mine;
  CPU_ZERO(&mine);
  if (::sched_getaffinity(0, sizeof mine, &mine) != 0) CPU_SET(0, &mine);
  const auto hosts = comm.all_gather(comm.host());
  const auto masks = comm.all_gather(std::as_bytes(std::span(&mine, 1)));
  CoreUse use{.ranks = 0, .threads = threads_per_rank};
  cpu_set_t together;
  CPU_ZERO(&together);
  for (std::size_t rank = 0; rank < hosts.size(); ++rank) {
    if (hosts[rank] != comm.host()) continue;
    cpu_set_t theirs;
    HADAL_CHECK(masks[rank].size() == sizeof theirs);
    std::memcpy(&theirs, masks[rank].data(), sizeof theirs);
    CPU_OR(&together, &together, &theirs);
    ++use.ranks;
  }
  use.cores = CPU_COUNT(&together);
  return use;
}

}  // namespace hadal::dist

// Where a run happened, for its environment.json.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace hadal::launcher {

/// Version and commit of the program, compiler, host, user, processor, cores, memory, kernel, the
/// command, ranks and the time (UTC). Of the environment's variables only those that change how a
/// run computes or finds its data (OMP_NUM_THREADS, OPENBLAS_NUM_THREADS, HADAL_DATA, …): the rest
/// may hold secrets.
std::map<std::string, std::string> describe_environment(const std::vector<std::string>& command,
                                                        int ranks);

/// "2026-11-23T00:48:18Z"
std::string utc_now();

/// Name of this machine.
std::string host_name();

/// Numbers of the cores this process may use, ascending; never empty.
std::vector<int> usable_cores();

}  // namespace hadal::launcher

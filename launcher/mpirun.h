// The arguments every scheduler gives mpirun, so that what was learnt about it stands in one place.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "launcher/scheduler.h"

namespace hadal::launcher {

/// The mpirun beside this program, as in a bundle; "mpirun", which PATH finds, where there is none.
std::string usual_mpirun();

/// mpirun for a job whose ranks are all on this machine: they stay off the network, and what Open
/// MPI makes for them lies below `scratch`. With more ranks than cores they yield instead of
/// spinning. The job's command comes last.
std::vector<std::string> mpirun_on_one_host(const std::string& mpirun, const Job& job,
                                            const std::filesystem::path& scratch,
                                            bool oversubscribed);

/// Some ranks of a job, and what mpirun is told of them alone.
struct MpirunPart {
  int ranks = 1;
  std::vector<std::string> options = {};
};

/// For ranks on several machines, `more` before the first part. Connections whose other end is gone
/// are given up after 10 s + 3 x 5 s of silence (left alone, Open MPI takes eight minutes), and the
/// variables named in `pass_on` reach ranks on other hosts. `parts`: together all ranks, in order;
/// none: all alike.
std::vector<std::string> mpirun_on_hosts(const std::string& mpirun, const Job& job,
                                         const std::vector<std::string>& pass_on,
                                         const std::vector<std::string>& more = {},
                                         std::vector<MpirunPart> parts = {});

/// srun inside a job of Slurm, which starts the ranks itself: it passes signals on as mpirun does,
/// and one rank's death ends the rest (without that they would wait for it for ever).
std::vector<std::string> srun_in_a_job(const Job& job);

/// What the ranks of a job find in their environment: the mark by which a run's processes are
/// found (HADAL_RUN), and their threads.
std::map<std::string, std::string> rank_environment(const Job& job);

/// The variable by which processes of a run are found: its value is the run's folder.
inline constexpr const char* kRunVariable = "HADAL_RUN";

/// A folder for sockets and shared memory of one run, named after it: short, for the path of a
/// socket inside must stay below 108 characters. Below `base` if that can be written, else below
/// the system's temporary folder.
std::filesystem::path scratch_folder(const std::filesystem::path& base, const Job& job);

}  // namespace hadal::launcher

#include "launcher/mpirun.h"

#include <fmt/format.h>
#include <unistd.h>

#include "core/base/hash.h"
#include "launcher/program_path.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
namespace {

void append(std::vector<std::string>& to, const std::vector<std::string>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

}  // namespace

std::string usual_mpirun() {
  std::error_code ignored;
  const fs::path beside = fs::path(this_program()).replace_filename("mpirun");
  return fs::exists(beside, ignored) ? beside.string() : "mpirun";
}

std::vector<std::string> mpirun_on_one_host(const std::string& mpirun, const Job& job,
                                            const fs::path& scratch, bool oversubscribed) {
  std::vector<std::string> arguments = {mpirun};
  // Also sets mpi_yield_when_idle: spinning ranks on shared cores are a hundred times slower.
  if (oversubscribed) arguments.emplace_back("--oversubscribe");
  // Left alone, every mpirun of a machine binds its ranks to the same first cores.
  append(arguments, {"-np", std::to_string(job.ranks), "--bind-to", "none"});
  append(arguments, {"--mca", "oob_tcp_if_include", "lo", "--mca", "btl", "vader,self"});
  append(arguments, {"--mca", "orte_tmpdir_base", scratch.string(), "--mca",
                     "btl_vader_backing_directory", scratch.string()});
  append(arguments, job.command);
  return arguments;
}

std::vector<std::string> mpirun_on_hosts(const std::string& mpirun, const Job& job,
                                         const std::vector<std::string>& pass_on,
                                         const std::vector<std::string>& more,
                                         std::vector<MpirunPart> parts) {
  std::vector<std::string> arguments = {mpirun, "--bind-to", "none"};
  append(arguments, {"--mca", "oob_tcp_keepalive_time", "10"});
  append(arguments, {"--mca", "oob_tcp_keepalive_intvl", "5"});
  append(arguments, {"--mca", "oob_tcp_keepalive_probes", "3"});
  for (const std::string& variable : pass_on) append(arguments, {"-x", variable});
  append(arguments, more);
  if (parts.empty()) parts = {{.ranks = job.ranks}};
  for (const MpirunPart& part : parts) {
    if (&part != &parts.front()) arguments.emplace_back(":");
    append(arguments, {"-np", std::to_string(part.ranks)});
    append(arguments, part.options);
    append(arguments, job.command);
  }
  return arguments;
}

std::vector<std::string> srun_in_a_job(const Job& job) {
  // --export: srun inherits the list sbatch was given, in which what the ranks need is not.
  std::vector<std::string> arguments = {"srun",
                                        "--mpi=pmix",
                                        "--kill-on-bad-exit=1",
                                        "--export=ALL",
                                        "--cpu-bind=none",
                                        "--ntasks=" + std::to_string(job.ranks),
                                        "--cpus-per-task=" + std::to_string(job.cores_per_rank)};
  append(arguments, job.command);
  return arguments;
}

std::map<std::string, std::string> rank_environment(const Job& job) {
  const std::string threads = std::to_string(job.cores_per_rank);
  return {{kRunVariable, job.folder.string()},
          {"OMP_NUM_THREADS", threads},
          {"OPENBLAS_NUM_THREADS", threads}};
}

fs::path scratch_folder(const fs::path& base, const Job& job) {
  std::error_code ignored;
  const bool usable = fs::is_directory(base, ignored) && ::access(base.c_str(), W_OK) == 0;
  return (usable ? base : fs::temp_directory_path()) /
         ("hadal-" + hex64(hash64(job.folder.string())));
}

}  // namespace hadal::launcher

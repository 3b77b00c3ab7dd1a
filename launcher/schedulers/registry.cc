#include "launcher/schedulers/registry.h"

#include <cstdlib>
#include <utility>

#include <unistd.h>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "launcher/environment.h"
#include "launcher/gpus.h"
#include "launcher/schedulers/hosts.h"
#include "launcher/schedulers/local.h"
#include "launcher/schedulers/slurm.h"

namespace hadal::launcher {
namespace {

using Made = std::unique_ptr<Scheduler>;

Made make_local(const SchedulerOptions& options, Processes& processes, Tools& tools, Clock& clock) {
  LocalOptions local{.cores = usable_cores(),
                     .ranks = options.ranks,
                     .cores_per_rank = options.cores_per_rank,
                     .gpus_per_rank = options.gpus_per_rank,
                     .slots = options.slots,
                     .pack = options.pack,
                     .mpirun = options.mpirun,
                     .as_root = ::geteuid() == 0};
  if (options.gpus_per_rank > 0)
    local.gpus = usable_gpus(tools, std::getenv("CUDA_VISIBLE_DEVICES"));
  return std::make_unique<LocalScheduler>(std::move(local), processes, clock);
}

Made make_hosts(const SchedulerOptions& options, Processes& processes, Tools&, Clock& clock) {
  if (options.hostfile.empty())
    throw ConfigError("hosts: which? give a file of lines 'name slots=N gpus=N' with --hostfile");
  return std::make_unique<HostsScheduler>(HostsOptions{.hosts = read_hostfile(options.hostfile),
                                                       .ranks = options.ranks,
                                                       .cores_per_rank = options.cores_per_rank,
                                                       .gpus_per_rank = options.gpus_per_rank,
                                                       .most_jobs = options.slots,
                                                       .mpirun = options.mpirun,
                                                       .program = options.program,
                                                       .ssh_config = options.ssh_config,
                                                       .network = options.network,
                                                       .pass_on = options.pass_on,
                                                       .as_root = ::geteuid() == 0},
                                          processes, clock);
}

Made make_slurm(const SchedulerOptions& options, Processes&, Tools& tools, Clock& clock) {
  return std::make_unique<SlurmScheduler>(
      SlurmOptions{.program = options.program,
                   .partition = options.partition,
                   .more = options.sbatch,
                   .most_running = options.slots,
                   .starter = {.mpirun = options.mpirun, .srun = options.srun},
                   .pass_on = options.pass_on,
                   .silence_limit_s = options.silence_limit_s},
      tools, clock);
}

struct Kind {
  std::string name;
  Made (*make)(const SchedulerOptions&, Processes&, Tools&, Clock&);
};

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = {
      {"hosts", make_hosts}, {"local", make_local}, {"slurm", make_slurm}};
  return all;
}

}  // namespace

std::vector<std::string> scheduler_names() {
  std::vector<std::string> names;
  for (const Kind& kind : kinds()) names.push_back(kind.name);
  return names;
}

std::unique_ptr<Scheduler> make_scheduler(const SchedulerOptions& options, Processes& processes,
                                          Tools& tools, Clock& clock) {
  for (const Kind& kind : kinds())
    if (kind.name == options.name) return kind.make(options, processes, tools, clock);
  throw ConfigError(unknown_name("scheduler", options.name, scheduler_names()));
}

}  // namespace hadal::launcher

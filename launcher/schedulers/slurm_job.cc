#include "launcher/schedulers/slurm_job.h"

#include <csignal>
#include <cstdlib>
#include <iostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/json.h"
#include "core/base/strings.h"
#include "dist/drain.h"
#include "launcher/supervisor.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

constexpr const char* kScript = "job.sh";
constexpr const char* kDescription = "job.json";
// Slurm ends a job that was put back into the queue within its KillWait (30 s by default).
constexpr double kPatienceAfterRequeue_s = 120;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// A job that is being cancelled, or that is over its time, must not come back.
bool is_still_wanted(const std::string& id, Tools& tools) {
  const ToolOutput state = tools.call({"squeue", "--noheader", "--jobs=" + id, "--format=%T"});
  return state.ok() && trim(state.out) == "RUNNING";
}

// Goes back into the queue; returns only when that did not work.
void requeue(const std::string& id, Tools& tools, Clock& clock) {
  const ToolOutput answer = tools.call({"scontrol", "requeue", id});
  if (answer.ok()) return clock.sleep(kPatienceAfterRequeue_s);
  std::cerr << fmt::format("hadal: warning: job {} cannot go back into the queue: {}\n", id,
                           answer.complaint());
}

}  // namespace

fs::path write_batch_job(const BatchJob& batch) {
  const Job& job = batch.job;
  try {
    const json description = {{"command", job.command},
                              {"ranks", job.ranks},
                              {"cores_per_rank", job.cores_per_rank},
                              {"mpirun", batch.mpirun},
                              {"silence_limit_s", batch.silence_limit_s}};
    write_file_atomically(job.folder / kDescription, description.dump(1) + "\n");
  } catch (const json::exception& error) {
    throw ConfigError(
        fmt::format("{}: a path or option is not UTF-8 ({})", job.folder.string(), error.what()));
  }
  write_file_atomically(job.folder / kScript, "#!/bin/sh\nexec \"$@\"\n");
  return job.folder / kScript;
}

BatchJob read_batch_job(const fs::path& folder) {
  const fs::path path = folder / kDescription;
  BatchJob batch;
  batch.job.folder = folder;
  try {
    const json description = parse_json(read_file(path), path.string());
    description.at("command").get_to(batch.job.command);
    description.at("ranks").get_to(batch.job.ranks);
    description.at("cores_per_rank").get_to(batch.job.cores_per_rank);
    description.at("mpirun").get_to(batch.mpirun);
    description.at("silence_limit_s").get_to(batch.silence_limit_s);
  } catch (const json::exception& error) {
    throw DataError(fmt::format("{}: damaged ({})", path.string(), error.what()));
  }
  return batch;
}

int run_batch_job(const fs::path& folder, Tools& tools, Processes& processes, Clock& clock) {
  const std::string id = variable("SLURM_JOB_ID"), hosts = variable("SLURM_JOB_NUM_NODES");
  if (id.empty())
    throw UsageError(
        "sweep attempt: is started by Slurm inside a job; hadal sweep run --scheduler slurm "
        "submits it");
  const dist::Drain drain;
  BatchJob batch = read_batch_job(folder);
  batch.job.id = id;
  Supervisor supervisor(
      batch.job,
      {.mpirun = batch.mpirun,
       .hosts = hosts.empty() ? 1 : static_cast<int>(parse_int(hosts, "SLURM_JOB_NUM_NODES")),
       .as_root = ::geteuid() == 0,
       .silence_limit_s = batch.silence_limit_s},
      processes, clock, [&] { return drain.signal(); });
  const int exit_code = supervisor.run();
  const bool for_good = drain.signal() == 0 || drain.signal() == SIGUSR2;
  if (exit_code != 0 && !for_good && is_still_wanted(id, tools)) requeue(id, tools, clock);
  return exit_code;
}

}  // namespace hadal::launcher

#include "launcher/schedulers/slurm_job.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <iostream>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/json.h"
#include "core/base/strings.h"
#include "dist/drain.h"
#include "launcher/privacy.h"
#include "launcher/supervisor.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

constexpr const char* kDescription = "job.json";
// Slurm ends a job that was put back into the queue within its KillWait (30 s by default).
constexpr double kPatienceAfterRequeue_s = 120;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// "36", or "36_7" for a task of an array: only so its number means this task alone.
std::string own_id() {
  const std::string array = variable("SLURM_ARRAY_JOB_ID");
  return array.empty() ? variable("SLURM_JOB_ID") : array + "_" + variable("SLURM_ARRAY_TASK_ID");
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

json description_of(const BatchJob& batch, const Ticket& ticket) {
  return {{"command", batch.job.command},
          {"ranks", batch.job.ranks},
          {"cores_per_rank", batch.job.cores_per_rank},
          {"mpirun", batch.starter.mpirun},
          {"srun", batch.starter.srun},
          {"silence_limit_s", batch.silence_limit_s},
          {"mark", ticket.mark},
          {"task", ticket.task},
          {"at_a_time", ticket.at_a_time}};
}

// The one that is this task's.
fs::path folder_of_this_task(const fs::path& runs) {
  const std::string task = variable("SLURM_ARRAY_TASK_ID");
  try {
    const json folders = json::parse(read_file(runs)).at("runs");
    return folders.at(task.empty() ? 0 : parse_int(task, "SLURM_ARRAY_TASK_ID")).get<std::string>();
  } catch (const json::exception& error) {
    throw DataError(
        fmt::format("{}: damaged, or not for this job ({})", runs.string(), error.what()));
  }
}

// Those of a job's tasks share a file otherwise.
void write_output_to(const fs::path& log) {
  const int file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file < 0) throw io_error("cannot write", log.string(), errno);
  ::dup2(file, STDOUT_FILENO);
  ::dup2(file, STDERR_FILENO);
  ::close(file);
}

}  // namespace

SubmissionFiles write_submission(const std::vector<BatchJob>& jobs,
                                 const std::vector<Ticket>& tickets) {
  HADAL_CHECK(!jobs.empty() && jobs.size() == tickets.size());
  const fs::path folder = jobs[0].job.folder.parent_path() / "slurm";
  require_writable_folder(folder);
  const SubmissionFiles files{.script = folder / "job.sh",
                              .runs = folder / (tickets[0].mark + ".json"),
                              .output = folder / (tickets[0].mark + ".txt")};
  try {
    json folders = json::array();
    for (const BatchJob& batch : jobs) folders.push_back(batch.job.folder.string());
    write_file_atomically(files.runs, json{{"runs", folders}}.dump(1) + "\n");
    for (std::size_t i = 0; i < jobs.size(); ++i)
      write_file_atomically(jobs[i].job.folder / kDescription,
                            description_of(jobs[i], tickets[i]).dump(1) + "\n");
  } catch (const json::exception& error) {
    throw ConfigError(
        fmt::format("{}: a path or option is not UTF-8 ({})", folder.string(), error.what()));
  }
  write_file_atomically(files.script, "#!/bin/sh\nexec \"$@\"\n");
  return files;
}

std::optional<Ticket> read_ticket(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::exists(folder / kDescription, ignored)) return std::nullopt;
  try {
    const json description = json::parse(read_file(folder / kDescription));
    return Ticket{.mark = description.at("mark"),
                  .task = description.at("task"),
                  .at_a_time = description.at("at_a_time")};
  } catch (const json::exception&) {
    return std::nullopt;  // of another version, or torn: nothing in the queue can be told from it
  }
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
    description.at("mpirun").get_to(batch.starter.mpirun);
    description.at("srun").get_to(batch.starter.srun);
    description.at("silence_limit_s").get_to(batch.silence_limit_s);
  } catch (const json::exception& error) {
    throw DataError(fmt::format("{}: damaged ({})", path.string(), error.what()));
  }
  return batch;
}

int run_batch_job(const fs::path& runs, Tools& tools, Processes& processes, Clock& clock) {
  const std::string id = own_id(), hosts = variable("SLURM_JOB_NUM_NODES");
  if (id.empty())
    throw UsageError(
        "sweep attempt: is started by Slurm inside a job; hadal sweep run --scheduler slurm "
        "submits it");
  const dist::Drain drain;
  const fs::path folder = folder_of_this_task(runs);
  follow_folder(folder);
  write_output_to(folder / "log.txt");
  BatchJob batch = read_batch_job(folder);
  batch.job.id = id;
  Supervisor supervisor(
      batch.job,
      {.mpirun = batch.starter.mpirun,
       .srun = batch.starter.srun,
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

#include "launcher/schedulers/sbatch.h"

#include <array>
#include <cmath>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>
#include <unistd.h>

#include "core/base/strings.h"

namespace hadal::launcher {
namespace {

// What every job needs to find its programs, libraries and data.
constexpr std::array kPassedOn = {
    "PATH",   "HOME",       "USER",      "LOGNAME", "LANG", "LC_ALL", "LD_LIBRARY_PATH",
    "TMPDIR", "HADAL_DATA", "SLURM_CONF"};

// Minutes and seconds; Slurm rounds up to minutes.
std::string slurm_time(double seconds) {
  const auto whole = static_cast<long long>(std::ceil(seconds));
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

std::vector<std::string> passed_on(const SlurmOptions& options) {
  std::vector<std::string> names;
  for (const char* name : kPassedOn)
    if (std::getenv(name) != nullptr) names.emplace_back(name);
  for (char** entry = environ; *entry != nullptr; ++entry)
    if (const std::string_view variable = *entry; variable.starts_with("OMPI_MCA_"))
      names.emplace_back(variable.substr(0, variable.find('=')));
  names.insert(names.end(), options.pass_on.begin(), options.pass_on.end());
  return names;
}

}  // namespace

std::string comment_of(const Ticket& ticket) { return "hadal " + ticket.mark; }

std::string name_of(const Job& job) { return job.folder.filename().string(); }

std::vector<std::string> sbatch_arguments(const SlurmOptions& options,
                                          const std::vector<BatchJob>& jobs, const Ticket& first,
                                          const SubmissionFiles& files) {
  const Job& job = jobs[0].job;
  const bool is_array = jobs.size() > 1;
  std::vector<std::string> arguments = {
      "sbatch",
      "--parsable",
      "--open-mode=append",
      "--requeue",
      fmt::format("--ntasks={}", job.ranks),
      fmt::format("--cpus-per-task={}", job.cores_per_rank),
      fmt::format("--signal=B:USR1@{}", static_cast<int>(options.drain_margin_s))};
  if (!options.partition.empty()) arguments.push_back("--partition=" + options.partition);
  if (job.gpus_per_rank > 0)
    arguments.push_back(fmt::format("--gpus-per-task={}", job.gpus_per_rank));
  if (job.time_limit_s > 0)
    // The signal comes up to a minute early, and the run is to have its time.
    arguments.push_back("--time=" + slurm_time(job.time_limit_s + options.drain_margin_s));
  arguments.push_back("--export=" + join(passed_on(options), ","));
  if (is_array)
    arguments.push_back(fmt::format("--array=0-{}%{}", jobs.size() - 1, first.at_a_time));
  arguments.push_back("--job-name=" +
                      (is_array ? job.folder.parent_path().filename().string() : name_of(job)));
  arguments.push_back("--comment=" + comment_of(first));
  arguments.push_back("--output=" + files.output.string());
  arguments.insert(arguments.end(), options.more.begin(), options.more.end());
  for (const std::string& last : {files.script.string(), options.program, std::string("sweep"),
                                  std::string("attempt"), files.runs.string()})
    arguments.push_back(last);
  return arguments;
}

}  // namespace hadal::launcher

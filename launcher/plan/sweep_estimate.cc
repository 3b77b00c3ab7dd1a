#include "launcher/plan/sweep_estimate.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/hash.h"
#include "core/base/strings.h"
#include "experiments/spec/load.h"
#include "launcher/environment.h"
#include "launcher/mpirun.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
namespace {

/// Time to start ranks and to build a net, beside what is measured.
constexpr double kPatience_s = 600;

/// Of a spec what decides how long a step takes and how often it is done, but not its numbers.
spec::ExperimentSpec what_is_measured(const spec::ExperimentSpec& spec) {
  spec::ExperimentSpec net = spec;
  net.clear_name();
  net.clear_note();
  net.set_seed(1);
  net.clear_epochs();
  net.set_steps(1);
  net.clear_schedule();
  net.clear_evaluation();
  net.clear_checkpoint();
  net.clear_initializer();
  net.mutable_data()->clear_validation_images();
  net.mutable_data()->clear_validation_per_class();
  net.mutable_data()->clear_validation_per_class_extra();
  net.mutable_data()->clear_split_seed();
  net.mutable_optimizer()->set_learning_rate(1e-3);
  net.mutable_optimizer()->clear_weight_decay();
  return spec::resolve(net);
}

class Measurer {
 public:
  Measurer(const SweepPlan& plan, const SweepEstimateOptions& options, Tools& tools)
      : plan_(plan), options_(options), tools_(tools) {}

  RunEstimate estimate(const spec::ExperimentSpec& spec) {
    const std::string text = spec::canonical_text(what_is_measured(spec));
    auto known = measured_.find(text);
    if (known == measured_.end()) known = measured_.emplace(text, measure(text)).first;
    RunEstimate estimate = known->second;
    estimate.cost = experiments::training_cost(spec);
    return estimate;
  }

 private:
  RunEstimate measure(const std::string& spec_text) {
    const fs::path spec = folder_.path() / "spec.textproto";
    write_file_atomically(spec, spec_text);
    Job job{.folder = folder_.path(),
            .command = {options_.program, "plan", spec.string(), "--json", "--device",
                        options_.device, "--measure", fmt::to_string(options_.measure_s)},
            .ranks = plan_.ranks,
            .cores_per_rank = plan_.cores_per_rank};
    std::vector<std::string> command = {"env"};
    for (const auto& [name, value] : rank_environment(job))
      if (name != kRunVariable) command.push_back(name + "=" + value);
    if (::geteuid() == 0)
      command.insert(command.end(),
                     {"OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"});
    const bool oversubscribed =
        plan_.ranks * plan_.cores_per_rank > static_cast<int>(usable_cores().size());
    const auto ranks = mpirun_on_one_host(options_.mpirun, job, folder_.path(), oversubscribed);
    command.insert(command.end(), ranks.begin(), ranks.end());
    const ToolOutput answer = tools_.call(command, {}, kPatience_s);
    if (!answer.ok())
      throw ConfigError(fmt::format("plan: a few steps could not be run: {}", answer.complaint()));
    return run_estimate_from_json(answer.out);
  }

  const SweepPlan& plan_;
  const SweepEstimateOptions& options_;
  Tools& tools_;
  TemporaryFolder folder_;
  std::map<std::string, RunEstimate> measured_;  // by the spec's text
};

std::string work(double macs) { return fmt::format("{:.3g} multiply-adds", macs); }

}  // namespace

double SweepEstimate::serial_s() const {
  double sum = 0;
  for (const Run& run : runs) sum += run.estimate.total_s();
  return sum;
}

double SweepEstimate::packed_s() const {
  std::vector<double> busy(static_cast<std::size_t>(slots));
  for (const Run& run : runs) *std::min_element(busy.begin(), busy.end()) += run.estimate.total_s();
  return *std::max_element(busy.begin(), busy.end());
}

double SweepEstimate::macs() const {
  double sum = 0;
  for (const Run& run : runs) sum += run.estimate.cost.macs();
  return sum;
}

SweepEstimate estimate_sweep(const SweepPlan& plan, const SweepEstimateOptions& options,
                             Tools& tools) {
  SweepEstimate sweep;
  const int cores = static_cast<int>(usable_cores().size());
  sweep.slots = std::max(1, cores / (plan.ranks * plan.cores_per_rank));
  Measurer measurer(plan, options, tools);
  for (const PlannedRun& run : plan.runs) {
    const spec::ExperimentSpec spec = spec::experiment_from_text(run.spec_text, run.name);
    if (options.measure_s > 0)
      sweep.runs.push_back({run.name, measurer.estimate(spec)});
    else
      sweep.runs.push_back({run.name, {.cost = experiments::training_cost(spec)}});
  }
  return sweep;
}

std::vector<std::string> lines_of(const SweepEstimate& sweep, double time_limit_s) {
  std::vector<std::string> lines;
  bool measured = true;
  for (const SweepEstimate::Run& run : sweep.runs) {
    const RunEstimate& e = run.estimate;
    std::string line =
        fmt::format("{:<40} {:>8} steps  {}", run.name, e.cost.steps, work(e.cost.macs()));
    measured = measured && e.probe.has_value();
    if (e.probe) {
      line += fmt::format("  {:.3g} ms a step  about {}", 1e3 * e.probe->step_s,
                          format_duration(e.total_s()));
      if (!e.fits_memory())
        line += fmt::format("  does NOT fit: {} of {}",
                            format_bytes(static_cast<double>(e.bytes_on_host())),
                            format_bytes(static_cast<double>(e.memory.bytes)));
      if (time_limit_s > 0 && e.total_s() > time_limit_s)
        line +=
            fmt::format("  over the time limit of an attempt, {}", format_duration(time_limit_s));
    }
    lines.push_back(std::move(line));
  }
  lines.push_back(fmt::format("{} runs, {}", sweep.runs.size(), work(sweep.macs())));
  if (measured)
    lines.push_back(fmt::format(
        "about {} one after the other, {} with {} at a time: an estimate from a few steps of each "
        "net on made-up images, run alone on this machine as busy as it is now",
        format_duration(sweep.serial_s()), format_duration(sweep.packed_s()), sweep.slots));
  return lines;
}

}  // namespace hadal::launcher

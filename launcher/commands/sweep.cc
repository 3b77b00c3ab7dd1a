// hadal sweep run, hadal sweep status, and the launcher's ends on other machines: hadal sweep
// attempt and hadal sweep reap.
#include <csignal>
#include <filesystem>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "experiments/translate.h"
#include "launcher/command.h"
#include "launcher/command_line.h"
#include "launcher/privacy.h"
#include "launcher/program_path.h"
#include "launcher/schedulers/hosts.h"
#include "launcher/schedulers/registry.h"
#include "launcher/schedulers/slurm_job.h"
#include "launcher/stop_signals.h"
#include "launcher/sweep_planner.h"
#include "launcher/sweep_runner.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
namespace {

constexpr int kSomeFailed = 1;

struct RunOptions {
  std::string sweep;
  std::string runs = "runs";
  bool dry_run = false;
  bool retry_diverged = false;
  bool shared = false;
  bool trust_folder = false;
  int ranks = 0;
  std::vector<std::string> set;
  std::string trainer;
  std::string pack = "1";
  SchedulerOptions scheduler;
};

// "finished", "failed: reason", "not started", …; `at_work`: a launcher has the sweep open.
std::string state_of(const std::optional<RunRecord>& record, bool at_work) {
  if (!record) return "not started";
  if (!record->result) {
    const std::string where =
        record->progress
            ? fmt::format(" at epoch {}/{}, step {}/{}", record->progress->epoch,
                          record->progress->epochs, record->progress->step, record->progress->steps)
            : "";
    return (at_work ? "running" : "unfinished") + where;
  }
  const RunResult& result = *record->result;
  if (result.status == RunStatus::kFinished)
    return result.last && result.last->test_error
               ? fmt::format("finished, test error {:.2f} %", *result.last->test_error)
               : "finished";
  return fmt::format("{}: {}", name_of(result.status), result.reason);
}

void print_plan(const SweepPlan& plan, const fs::path& folder, const Scheduler& scheduler) {
  std::cout << fmt::format("{}: {} runs in {}\n{}\n", plan.name, plan.runs.size(), folder.string(),
                           scheduler.describe());
  for (const PlannedRun& run : plan.runs) {
    const fs::path run_folder = folder / run_folder_name(run.name, run.hash);
    std::cout << fmt::format("  {}  {}  {}\n", run.hash, run.name,
                             state_of(read_run(run_folder), false));
  }
}

int exit_code_of(const SweepSummary& summary, const StopSignals& signals) {
  if (signals.count() > 0)
    return static_cast<int>(signals.last() == SIGINT ? ExitCode::kInterrupted : ExitCode::kDrained);
  if (summary.failed > 0) return kSomeFailed;
  return static_cast<int>(summary.unfinished > 0 ? ExitCode::kDrained : ExitCode::kOk);
}

// 0: to be found out.
int packed_runs(const std::string& text) {
  if (text == "auto") return 0;
  const long long runs = parse_int(text, "--pack, which takes a number of runs or auto");
  if (runs < 1) throw UsageError("--pack: wanted at least 1 run, or auto");
  return static_cast<int>(runs);
}

int run_sweep(const RunOptions& options) {
  if (is_one_of_many())
    throw UsageError("sweep run: starts mpirun itself; start it alone, not under mpirun");
  const SweepPlan plan = plan_sweep(options.sweep, {.set = options.set, .ranks = options.ranks},
                                    experiments::complete);
  const fs::path path = fs::path(options.runs) / plan.name;
  SystemProcesses processes;
  SystemTools tools;
  SystemClock clock;
  SchedulerOptions chosen = options.scheduler;
  chosen.ranks = plan.ranks;
  chosen.cores_per_rank = plan.cores_per_rank;
  chosen.gpus_per_rank = plan.gpus_per_rank;
  chosen.pack = packed_runs(options.pack);
  chosen.program = this_program();
  const std::unique_ptr<Scheduler> scheduler = make_scheduler(chosen, processes, tools, clock);
  if (options.dry_run) {
    print_plan(plan, path, *scheduler);
    return 0;
  }
  scheduler->check();
  if (!options.trust_folder) require_trusted_folder(path);
  if (options.shared) share_with_group(path);
  follow_folder(path);
  SweepFolder folder(path);
  const StopSignals signals;
  ProgressView view(std::cout, terminal_width(STDOUT_FILENO));
  view.note(fmt::format("{}: {} runs in {}; {}", plan.name, plan.runs.size(), path.string(),
                        scheduler->describe()));
  SweepRunner runner(plan, folder, *scheduler, clock, view, [&] { return signals.count(); },
                     {.trainer = options.trainer.empty() ? this_program() : options.trainer,
                      .retry_diverged = options.retry_diverged});
  const SweepSummary summary = runner.run();
  view.note(fmt::format("{} finished, {} failed, {} unfinished", summary.finished, summary.failed,
                        summary.unfinished));
  if (summary.unfinished > 0) view.note("the same command goes on from here");
  view.note(fmt::format("table: hadal table {}", path.string()));
  return exit_code_of(summary, signals);
}

int print_status(const std::string& folder) {
  const SweepRecord sweep = read_sweep(folder);
  std::cout << fmt::format("{}: {}\n", sweep.name,
                           sweep.locked ? "a launcher is at work" : "no launcher at work");
  int finished = 0;
  for (const SweepRecord::Run& run : sweep.runs) {
    finished += run.record && run.record->finished();
    std::cout << fmt::format("  {}  {}  {}\n", run.planned.hash, run.planned.name,
                             state_of(run.record, sweep.locked));
  }
  std::cout << fmt::format("{} of {} finished\n", finished, sweep.runs.size());
  return 0;
}

void add_scheduler_options(CLI::App& run, SchedulerOptions& options) {
  run.add_option("--scheduler", options.name,
                 fmt::format("who starts the runs: {}", join(scheduler_names(), ", ")))
      ->capture_default_str();
  run.add_option(
         "--slots", options.slots,
         "runs at a time; default: as many as the cores hold; slurm: as many as it has room for")
      ->check(CLI::PositiveNumber);
  run.add_option("--mpirun", options.mpirun, "the mpirun to use")->capture_default_str();
  run.add_option("--hostfile", options.hostfile, "hosts: file of lines 'name slots=N'");
  run.add_option("--ssh-config", options.ssh_config, "hosts: configuration file for ssh");
  run.add_option("--network", options.network,
                 "hosts: what ranks talk over, as in 10.0.0.0/24; default: all there is");
  run.add_option("--partition", options.partition, "slurm: where the jobs go");
  run.add_option(
         "--sbatch", options.sbatch,
         "slurm: one more argument of sbatch, as in --sbatch=--account=sea; may be repeated")
      ->allow_extra_args(false);
  run.add_flag("--srun", options.srun,
               "slurm: srun starts the ranks inside a job, by PMIx, rather than mpirun");
  run.add_option("--pass-on", options.pass_on,
                 "hosts, slurm: name of an environment variable the ranks get too; may be repeated")
      ->allow_extra_args(false);
  run.add_option("--silence", options.silence_limit_s,
                 "slurm: seconds without a sign of life after which an attempt is taken for gone")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
}

int run_attempt(const std::string& runs) {
  SystemProcesses processes;
  SystemTools tools;
  SystemClock clock;
  return run_batch_job(fs::absolute(runs), tools, processes, clock);
}

int run_reap(const std::string& folder, double patience_s) {
  SystemProcesses processes;
  SystemClock clock;
  reap_run(folder, patience_s, processes, clock);
  return 0;
}

Action declare(CLI::App& app) {
  auto options = std::make_shared<RunOptions>();
  CLI::App& run = add_nested(
      app, "run",
      "Run what is not finished of a sweep. Ctrl-C saves and stops, twice stops at once; the same "
      "command goes on. Exit code: 0 all finished, 1 some failed, 75 or 130 stopped.",
      "hadal sweep run experiments/depth/plain_against_residual.textproto --set epochs=10");
  run.add_option("SWEEP", options->sweep, "sweep file (protobuf text)")->required();
  run.add_option("--runs", options->runs, "where the folder of the sweep is made")
      ->capture_default_str();
  run.add_flag("--dry-run", options->dry_run, "only show what would be run");
  run.add_option("--ranks", options->ranks, "ranks of every run, instead of the sweep's")
      ->check(CLI::PositiveNumber);
  run.add_option("--set", options->set, "field.path=value for every run; may be repeated")
      ->allow_extra_args(false);
  run.add_flag("--retry-diverged", options->retry_diverged,
               "repeat runs that ended with a loss that is not finite");
  run.add_flag("--shared", options->shared, "the group may read the sweep's folder too");
  run.add_flag("--trust-folder", options->trust_folder,
               "take a folder that is somebody else's, or that everybody may write in");
  run.add_option("--trainer", options->trainer, "the program whose 'train' the ranks execute")
      ->default_str("this one");
  run.add_option("--pack", options->pack,
                 "local: runs that share a set of cores or a GPU: a number, or auto for as many as "
                 "a trial with the first runs finds to pay")
      ->capture_default_str();
  add_scheduler_options(run, options->scheduler);

  auto folder = std::make_shared<std::string>();
  CLI::App& status = add_nested(app, "status", "Show how far the runs of a sweep are.",
                                "hadal sweep status runs/plain_against_residual");
  status.add_option("FOLDER", *folder, "folder of the sweep")->required();

  auto submitted = std::make_shared<std::string>(), run_folder = std::make_shared<std::string>();
  CLI::App& attempt =
      add_nested(app, "attempt", "One attempt at one run, inside a job of Slurm; started by Slurm.",
                 "sbatch job.sh hadal sweep attempt runs/depth/slurm/0123456789abcdef.json");
  attempt.add_option("FILE", *submitted, "the runs of the job, one for each task of an array")
      ->required();

  auto patience_s = std::make_shared<double>(60);
  CLI::App& reap = add_nested(
      app, "reap", "End what an attempt at a run left on this host; called by the launcher.",
      "hadal sweep reap /shared/runs/depth/resnet20-0123456789abcdef");
  reap.add_option("FOLDER", *run_folder, "folder of the run")->required();
  reap.add_option("--patience", *patience_s, "seconds to wait before it is killed")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);

  return [&run, &attempt, &reap, options, folder, submitted, run_folder, patience_s] {
    if (run.parsed()) return run_sweep(*options);
    if (reap.parsed()) return run_reap(*run_folder, *patience_s);
    return attempt.parsed() ? run_attempt(*submitted) : print_status(*folder);
  };
}

}  // namespace

Command sweep_command() {
  return {"sweep", "run many trainings, or see how far they are",
          "hadal sweep run experiments/depth/plain_against_residual.textproto", declare};
}

}  // namespace hadal::launcher

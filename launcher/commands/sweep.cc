// hadal sweep run, status, cancel and retry, and the launcher's ends on other machines: hadal sweep
// attempt and hadal sweep reap.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "experiments/translate.h"
#include "launcher/command.h"
#include "launcher/command_line.h"
#include "launcher/mpirun.h"
#include "launcher/plan/sweep_estimate.h"
#include "launcher/privacy.h"
#include "launcher/program_path.h"
#include "launcher/schedulers/hosts.h"
#include "launcher/schedulers/registry.h"
#include "launcher/schedulers/slurm_job.h"
#include "launcher/stop_signals.h"
#include "launcher/strategies/registry.h"
#include "launcher/sweep_planner.h"
#include "launcher/sweep_runner.h"
#include "launcher/sweep_status.h"
#include "launcher/sweep_wishes.h"

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

// What the folder knows of runs that were there before; nothing where there is none.
std::map<std::string, std::string> known_states(const fs::path& folder) {
  std::map<std::string, std::string> states;
  if (!fs::exists(folder / "plan.json")) return states;
  for (const SweepStatus::Line& line : status_of(read_sweep(folder, ReadRuns::kState)).lines)
    states[line.hash] = line.detail;
  return states;
}

void print_plan(const SweepPlan& plan, const Strategy& strategy, const fs::path& folder,
                const Scheduler& scheduler, Tools& tools) {
  std::cout << fmt::format("{}: {} runs in {}\n{}\n{}\n", plan.name, plan.runs.size(),
                           folder.string(), scheduler.describe(), strategy.describe());
  const auto states = known_states(folder);
  // Lines of runs, in the order of the plan, and then of all together.
  const std::vector<std::string> costs = lines_of(estimate_sweep(plan, {.measure_s = 0}, tools), 0);
  for (std::size_t i = 0; i < plan.runs.size(); ++i) {
    const auto known = states.find(plan.runs[i].hash);
    std::cout << fmt::format("  {}  {}  {}\n", plan.runs[i].hash, costs[i],
                             known == states.end() ? "waiting" : known->second);
  }
  std::cout << costs.back() << "; 'hadal plan' measures how long that takes\n";
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
  const SweepOverrides overrides{.set = options.set, .ranks = options.ranks};
  const auto replan = [&](const std::vector<JournalLine>& journal) {
    return plan_sweep(options.sweep, overrides, experiments::complete, journal);
  };
  SweepPlan plan = replan({});
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
  const Candidates candidates = candidates_of(options.sweep, overrides);
  const auto strategy =
      make_strategy(plan, candidates);  // or says why not, before anything is made
  if (options.dry_run) {
    print_plan(replan(read_journal(path)), *strategy, path, *scheduler, tools);
    return 0;
  }
  scheduler->check();
  if (!options.trust_folder) require_trusted_folder(path);
  if (options.shared) share_with_group(path);
  follow_folder(path);
  SweepFolder folder(path);
  plan = replan(read_journal(path));
  const StopSignals signals;
  ProgressView view(std::cout, terminal_width(STDOUT_FILENO));
  view.note(fmt::format("{}: {} runs in {}; {}; {}", plan.name, plan.runs.size(), path.string(),
                        scheduler->describe(), strategy->describe()));
  SweepRunner runner(plan, folder, *scheduler, clock, view, [&] { return signals.count(); },
                     {.trainer = options.trainer.empty() ? this_program() : options.trainer,
                      .retry_diverged = options.retry_diverged,
                      .candidates = candidates,
                      .replan = replan});
  const SweepSummary summary = runner.run();
  std::string told = fmt::format("{} finished, {} failed, {} unfinished", summary.finished,
                                 summary.failed, summary.unfinished);
  if (summary.stopped_early > 0) told += fmt::format(", {} stopped early", summary.stopped_early);
  if (summary.cancelled > 0) told += fmt::format(", {} cancelled", summary.cancelled);
  view.note(told);
  if (summary.unfinished > 0) view.note("the same command goes on from here");
  view.note(fmt::format("table: hadal table {}", path.string()));
  return exit_code_of(summary, signals);
}

struct StatusOptions {
  std::string folder;
  bool follow = false, all = false;
};

constexpr std::size_t kMostListed = 60;
constexpr double kFollowEvery_s = 2;

std::vector<std::string> status_lines(const StatusOptions& options, bool& at_work) {
  const SweepRecord sweep = read_sweep(options.folder, ReadRuns::kState);
  at_work = sweep.locked;
  return lines_of(status_of(sweep), options.all ? sweep.runs.size() : kMostListed);
}

// A block that is rewritten on a terminal; elsewhere a line whenever the summary has changed.
void follow_status(const StatusOptions& options) {
  const int width = terminal_width(STDOUT_FILENO), height = terminal_height(STDOUT_FILENO);
  ProgressView view(std::cout, width);
  SystemClock clock;
  std::string told;
  bool at_work = true;
  for (;; clock.sleep(kFollowEvery_s)) {
    std::vector<std::string> lines = status_lines(options, at_work);
    if (!at_work) return;
    if (width == 0) {
      if (std::exchange(told, lines.back()) != lines.back()) view.note(lines.back());
      continue;
    }
    // What does not fit cannot be rewritten; the heading and the summary stay.
    if (const auto fits = static_cast<std::size_t>(std::max(height - 1, 3)); lines.size() > fits)
      lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(fits) - 1, lines.end() - 1);
    view.show(std::move(lines));
  }
}

int print_status(const StatusOptions& options) {
  if (options.follow) follow_status(options);
  bool at_work = false;
  for (const std::string& line : status_lines(options, at_work)) std::cout << line << "\n";
  return 0;
}

struct WishOptions {
  std::string folder;
  std::vector<std::string> runs;
  bool only_failed = false;
};

int hand_over_wish(const WishOptions& options, SweepRequest::What what) {
  SystemProcesses processes;
  SystemTools tools;
  SystemClock clock;
  // Only a queue outlives its launcher.
  const auto queue = make_scheduler({.name = "slurm"}, processes, tools, clock);
  hand_over(options.folder, what, options.runs, options.only_failed, queue.get(), clock, std::cout);
  return 0;
}

void add_scheduler_options(Arguments& run, SchedulerOptions& options) {
  run.add_option("--scheduler", options.name,
                 fmt::format("who starts the runs: {}", join(scheduler_names(), ", ")))
      .show_default();
  run.add_option(
         "--slots", options.slots,
         "runs at a time; default: as many as the cores hold; slurm: as many as it has room for")
      .check(Check::positive());
  options.mpirun = usual_mpirun();
  run.add_option("--mpirun", options.mpirun, "the mpirun to use").show_default();
  run.add_option("--hostfile", options.hostfile, "hosts: file of lines 'name slots=N gpus=N'");
  run.add_option("--ssh-config", options.ssh_config, "hosts: configuration file for ssh");
  run.add_option("--network", options.network,
                 "hosts: what ranks talk over, as in 10.0.0.0/24; default: all there is");
  run.add_option("--partition", options.partition, "slurm: where the jobs go");
  run.add_option(
         "--sbatch", options.sbatch,
         "slurm: one more argument of sbatch, as in --sbatch=--account=sea; may be repeated")
      .one_word_each();
  run.add_flag("--srun", options.srun,
               "slurm: srun starts the ranks inside a job, by PMIx, rather than mpirun");
  run.add_option("--pass-on", options.pass_on,
                 "hosts, slurm: name of an environment variable the ranks get too; may be repeated")
      .one_word_each();
  run.add_option("--silence", options.silence_limit_s,
                 "slurm: seconds without a sign of life after which an attempt is taken for gone")
      .show_default()
      .check(Check::positive());
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

Action declare(Arguments& app) {
  auto options = std::make_shared<RunOptions>();
  Arguments run = app.add_nested(
      "run",
      "Run what is not finished of a sweep. Ctrl-C saves and stops, twice stops at once; the same "
      "command goes on. Exit code: 0 all finished, 1 some failed, 75 or 130 stopped.",
      "hadal sweep run experiments/depth/plain_against_residual.textproto --set epochs=10");
  run.add_option("SWEEP", options->sweep, "sweep file (protobuf text)").required();
  run.add_option("--runs", options->runs, "where the folder of the sweep is made").show_default();
  run.add_flag("--dry-run", options->dry_run, "only show what would be run");
  run.add_option("--ranks", options->ranks, "ranks of every run, instead of the sweep's")
      .check(Check::positive());
  run.add_option("--set", options->set, "field.path=value for every run; may be repeated")
      .one_word_each();
  run.add_flag("--retry-diverged", options->retry_diverged,
               "repeat runs that ended with a loss that is not finite");
  run.add_flag("--shared", options->shared, "the group may read the sweep's folder too");
  run.add_flag("--trust-folder", options->trust_folder,
               "take a folder that is somebody else's, or that everybody may write in");
  run.add_option("--trainer", options->trainer, "the program whose 'train' the ranks execute")
      .show_default("this one");
  run.add_option("--pack", options->pack,
                 "local: runs that share a set of cores or a GPU: a number, or auto for as many as "
                 "a trial with the first runs finds to pay")
      .show_default();
  add_scheduler_options(run, options->scheduler);

  auto shown = std::make_shared<StatusOptions>();
  Arguments status = app.add_nested("status", "Show how far the runs of a sweep are.",
                                    "hadal sweep status runs/plain_against_residual --follow");
  status.add_option("FOLDER", shown->folder, "folder of the sweep").required();
  status.add_flag("--follow", shown->follow, "show it again and again until the launcher ends");
  status.add_flag("--all", shown->all,
                  fmt::format("list every run, also of sweeps of more than {}", kMostListed));

  auto unwanted = std::make_shared<WishOptions>();
  Arguments cancel = app.add_nested(
      "cancel",
      "Stop runs and do not start them again before a retry; they save themselves first. Without "
      "RUN: all that is not finished. A launcher at work, on whatever host, goes on with the rest.",
      "hadal sweep cancel runs/depth_short residual_depth-44_seed-1");
  cancel.add_option("FOLDER", unwanted->folder, "folder of the sweep").required();
  cancel.add_option("RUN", unwanted->runs, "name or hash of a run, or the beginning of its hash");

  auto wanted = std::make_shared<WishOptions>();
  Arguments retry = app.add_nested(
      "retry",
      "Put runs back that failed or were cancelled, diverged ones too. Without RUN: all of them. A "
      "launcher at work starts them; else the next hadal sweep run does.",
      "hadal sweep retry runs/depth_short --failed");
  retry.add_option("FOLDER", wanted->folder, "folder of the sweep").required();
  const Option runs =
      retry.add_option("RUN", wanted->runs, "name or hash of a run, or the beginning of its hash");
  retry.add_flag("--failed", wanted->only_failed, "what failed, not what was cancelled")
      .excludes(runs);

  auto submitted = std::make_shared<std::string>(), run_folder = std::make_shared<std::string>();
  Arguments attempt =
      app.add_nested("attempt", "One attempt at one run, inside a job of Slurm; started by Slurm.",
                     "sbatch job.sh hadal sweep attempt runs/depth/slurm/0123456789abcdef.json");
  attempt.add_option("FILE", *submitted, "the runs of the job, one for each task of an array")
      .required();

  auto patience_s = std::make_shared<double>(60);
  Arguments reap = app.add_nested(
      "reap", "End what an attempt at a run left on this host; called by the launcher.",
      "hadal sweep reap /shared/runs/depth/resnet20-0123456789abcdef");
  reap.add_option("FOLDER", *run_folder, "folder of the run").required();
  reap.add_option("--patience", *patience_s, "seconds to wait before it is killed")
      .show_default()
      .check(Check::not_negative());

  return [run, status, cancel, retry, attempt, options, shown, unwanted, wanted, submitted,
          run_folder, patience_s] {
    if (run.parsed()) return run_sweep(*options);
    if (status.parsed()) return print_status(*shown);
    if (cancel.parsed()) return hand_over_wish(*unwanted, SweepRequest::What::kCancel);
    if (retry.parsed()) return hand_over_wish(*wanted, SweepRequest::What::kRetry);
    return attempt.parsed() ? run_attempt(*submitted) : run_reap(*run_folder, *patience_s);
  };
}

}  // namespace

Command sweep_command() {
  return {"sweep", "run many trainings, see how far they are, cancel some or try them again",
          "hadal sweep run experiments/depth/plain_against_residual.textproto", declare};
}

}  // namespace hadal::launcher

// hadal train: one training, alone or as one rank of many under mpirun or srun.
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/strings.h"
#include "dist/core_use.h"
#include "dist/drain.h"
#include "dist/world.h"
#include "experiments/progress_line.h"
#include "experiments/run.h"
#include "experiments/spec/load.h"
#include "experiments/tensorboard.h"
#include "experiments/translate.h"
#include "launcher/claim.h"
#include "launcher/command.h"
#include "launcher/command_line.h"
#include "launcher/device.h"
#include "launcher/environment.h"
#include "launcher/mpirun.h"
#include "launcher/privacy.h"
#include "launcher/run_store.h"
#include "launcher/step_trace.h"
#include "launcher/train_parts.h"
#include "launcher/training_group.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
namespace {

struct TrainOptions {
  std::string spec;
  std::vector<std::string> set;
  std::string out;
  bool resume = false;
  bool quiet = false;
  bool shared = false;
  bool trust_folder = false;
  bool no_watchdog = false;
  std::string device = "auto";
  std::string data_dir;
  int stop_after_epoch = 0;
  int check = 0;
  double patience = 1;
};

/// Writes what a training tells into its run folder and on the terminal.
class RunWriter final : public experiments::RunListener {
 public:
  RunWriter(const fs::path& folder, Clock& clock, bool quiet, bool terminal)
      : folder_(folder),
        clock_(clock),
        fence_(folder),
        metrics_(folder),
        trace_(folder),
        board_(folder),
        line_(clock, quiet, terminal) {}

  void on_step(const experiments::TrainingProgress& now) override {
    if (clock_.now_s() - fence_asked_ > 1) {
      fence_asked_ = clock_.now_s();
      fence_.require_open();
    }
    line_.update({now.epoch, now.epochs, now.step_of_epoch, now.steps_per_epoch, now.step,
                  now.total_steps, now.loss, now.error},
                 now.images);
    images_ += now.images;
    if (first_step_ < 0) first_step_ = now.step - 1;
    if (now.step < now.total_steps && clock_.now_s() - last_written_ < 1) return;
    last_written_ = clock_.now_s();
    const double seconds = last_written_ - started_;
    Progress progress;
    progress.epoch = now.epoch;
    progress.epochs = now.epochs;
    progress.step = now.step;
    progress.steps = now.total_steps;
    progress.loss = now.loss;
    progress.images_per_second = static_cast<double>(images_) / seconds;
    progress.seconds_left = seconds / static_cast<double>(now.step - first_step_) *
                            static_cast<double>(now.total_steps - now.step);
    write_progress(folder_, progress);
  }

  void on_start(const std::vector<std::string>& tensor_names) override {
    trace_.begin(tensor_names);
  }

  void on_gates(const std::vector<std::string>& names,
                const std::vector<double>& survival) override {
    metrics_.gates(names, survival);
  }

  void on_state(const experiments::StepState& state) override {
    trace_.add(state.step, state.loss, state.tensor_hashes, state.shard_losses, state.rewinds);
  }

  void on_epoch(const experiments::EpochReport& report) override {
    fence_.require_open();
    EpochMetrics metrics;
    metrics.epoch = report.epoch;
    metrics.step = report.step;
    metrics.learning_rate = report.learning_rate;
    metrics.train_loss = report.train_loss;
    metrics.train_error = report.train_error;
    metrics.validation_loss = report.validation_loss;
    metrics.validation_error = report.validation_error;
    metrics.images_per_second = report.images_per_second;
    metrics.seconds = report.seconds;
    metrics.bytes_sent = report.bytes_sent;
    metrics.macs = report.macs;
    if (!report.open_gates.empty())
      metrics_.open_gates({.epoch = report.epoch,
                           .steps = report.steps,
                           .open = {report.open_gates.begin(), report.open_gates.end()}});
    metrics_.epoch(metrics);

    std::vector<std::pair<std::string, double>> scalars = {
        {"train/loss", report.train_loss},
        {"train/error", report.train_error},
        {"learning_rate", report.learning_rate},
        {"images_per_second", report.images_per_second}};
    if (report.validation_loss) scalars.emplace_back("validation/loss", *report.validation_loss);
    if (report.validation_error) scalars.emplace_back("validation/error", *report.validation_error);
    board_.scalars(report.step, scalars);

    line_.say(fmt::format("epoch {:>3}  loss {:.4f}  error {:.2f}%{}  {:.0f} images/s  {}",
                          report.epoch, report.train_loss, report.train_error,
                          report.validation_error
                              ? fmt::format("  validation {:.2f}%", *report.validation_error)
                              : "",
                          report.images_per_second, format_duration(report.seconds)));
  }

  void on_times(const experiments::TimesReport& report) override {
    StepTimesRecord times{report.step, report.steps};
    for (const HostTimes& host : report.hosts)
      for (std::size_t phase = 0; phase < kStepPhases; ++phase) {
        const Spread& spread = host.phases[phase];
        times.hosts[host.host][std::string(name_of(static_cast<StepPhase>(phase)))] = {
            spread.min, spread.median, spread.max};
      }
    metrics_.times(times);
  }

  void on_rewind(const experiments::Rewind& rewind) override {
    on_event("rewound", rewind.step,
             fmt::format("{}; going on from step {} with {:g} of the learning rate", rewind.reason,
                         rewind.to, rewind.rate_factor));
  }

  void on_event(const std::string& what, std::int64_t step, const std::string& detail) override {
    metrics_.event({what, step, detail, wall_time_s()});
    if (what == "warning" || what == "straggler" || what == "rewound")
      std::cerr << "hadal: warning: " << detail << "\n";
    else if (what != "checkpoint" && what != "best")
      line_.say(fmt::format("{} at step {}{}{}", what, step, detail.empty() ? "" : ": ", detail));
  }

  void result(const RunResult& result) {
    fence_.require_open();
    write_result(folder_, result);
  }

  void say(const std::string& text) { line_.say(text); }

 private:
  fs::path folder_;
  Clock& clock_;
  Fence fence_;  // a later attempt of the same job may own the folder
  double fence_asked_ = 0;
  MetricsWriter metrics_;
  TraceWriter trace_;
  experiments::TensorBoardLog board_;
  experiments::ProgressLine line_;
  double started_ = clock_.now_s(), last_written_ = 0;
  std::int64_t images_ = 0, first_step_ = -1;
};

RunResult result_of(const experiments::RunSummary& summary, const spec::ExperimentSpec& spec,
                    int ranks) {
  RunResult result;
  result.status = summary.paused    ? RunStatus::kPaused
                  : summary.drained ? RunStatus::kDrained
                                    : RunStatus::kFinished;
  result.exit_code = static_cast<int>(summary.drained ? ExitCode::kDrained : ExitCode::kOk);
  if (summary.drained)
    result.reason = fmt::format("stopped on request after step {}", summary.steps);
  if (summary.paused) result.reason = fmt::format("paused after epoch {}", summary.epochs);
  result.spec_hash = spec::spec_hash(spec);
  result.name = spec.name();
  result.ranks = ranks;
  result.epochs = summary.epochs;
  result.steps = summary.steps;
  result.seconds = summary.seconds;
  const experiments::RunSummary::Errors& last = summary.last;
  result.last =
      RunResult::Last{last.epoch, last.train_loss.value_or(0), last.train_error.value_or(0),
                      last.validation_error, last.test_error};
  if (summary.best_validation)
    result.best_validation = RunResult::BestValidation{summary.best_validation->epoch,
                                                       *summary.best_validation->validation_error,
                                                       summary.best_validation->test_error};
  result.deepest_column_test_error = summary.deepest_column_test_error;
  result.bytes_sent = summary.bytes_sent;
  result.macs = summary.macs;
  result.weights_hash = hex64(summary.weights_hash);
  result.parameters = summary.parameters;
  for (const experiments::Rewind& rewind : summary.rewinds)
    result.rewinds.push_back({rewind.step, rewind.to, rewind.rate_factor, rewind.reason});
  return result;
}

RunResult failed_result(ExitCode code, const std::string& reason, const spec::ExperimentSpec& spec,
                        int ranks) {
  RunResult result;
  result.status = RunStatus::kFailed;
  result.exit_code = static_cast<int>(code);
  result.reason = reason;
  result.spec_hash = spec::spec_hash(spec);
  result.name = spec.name();
  result.ranks = ranks;
  return result;
}

std::string describe(const RunResult& result) {
  std::string text = fmt::format("{} epochs, {} steps in {}", result.epochs, result.steps,
                                 format_duration(result.seconds));
  if (!result.rewinds.empty())
    text += fmt::format("; went back {} time{} from a loss that was not finite",
                        result.rewinds.size(), result.rewinds.size() == 1 ? "" : "s");
  if (result.last && result.last->test_error)
    text += fmt::format("; test error {:.2f}% after the last epoch", *result.last->test_error);
  if (result.best_validation && result.best_validation->test_error)
    text += fmt::format(", {:.2f}% with the weights of the best validation epoch ({})",
                        *result.best_validation->test_error, result.best_validation->epoch);
  return text;
}

fs::path folder_of(const TrainOptions& options, const spec::ExperimentSpec& spec) {
  if (!options.out.empty()) return options.out;
  const std::string name =
      fmt::format("{}-s{}", fs::path(options.spec).stem().string(), spec.seed());
  return fs::path("runs") / run_folder_name(name, spec::spec_hash(spec));
}

bool has_checkpoints(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder / "checkpoints", ignored);
}

/// A start that failed before it trained anything: nothing is lost when another takes its folder.
bool is_failed_start(const RunRecord& record) {
  return record.result && record.result->status == RunStatus::kFailed && record.epochs.empty() &&
         !has_checkpoints(record.folder);
}

void remove_failed_start(const fs::path& folder) {
  if (const auto record = read_run(folder); record && is_failed_start(*record))
    for (const char* file : {"environment.json", "metrics.jsonl", "result.json"})
      fs::remove(folder / file);
}

void require_same_spec(const RunRecord& record, const spec::ExperimentSpec& spec) {
  const std::string hash = spec::spec_hash(spec);
  if (record.spec_hash == hash) return;
  const fs::path file = record.folder / "spec.textproto";
  std::string differences =
      spec::describe(spec::diff(spec::experiment_from_text(record.spec_text, file), spec, false));
  std::replace(differences.begin(), differences.end(), '\n', ';');
  throw ConfigError(
      fmt::format("{} holds a run of another spec ({}, this one is {}); they differ in (there | "
                  "here) {}; give another folder with --out",
                  record.folder.string(), record.spec_hash, hash,
                  differences.empty() ? "the version of the program" : differences));
}

/// True when there is nothing left to do. Throws ConfigError when the folder holds a run of another
/// spec, or an unfinished run and --resume is not given.
bool is_finished(const TrainOptions& options, const fs::path& folder,
                 const spec::ExperimentSpec& spec) {
  const std::optional<RunRecord> record = read_run(folder);
  if (!record || is_failed_start(*record)) return false;
  require_same_spec(*record, spec);
  if (record->finished()) return true;
  if (!options.resume && has_checkpoints(folder))
    throw ConfigError(fmt::format(
        "{} holds an unfinished run; add --resume to go on with it, or --out for another folder",
        folder.string()));
  return false;
}

int train(const TrainOptions& options, const TrainParts& parts) {
  // First, so that whoever wants it to stop while it starts is heard too.
  const dist::Drain drain;
  const spec::ExperimentSpec spec =
      spec::load_experiment(options.spec, options.set, experiments::complete);
  const fs::path folder = folder_of(options, spec);
  // A launcher has looked at the folder itself.
  if (!options.trust_folder && std::getenv(kRunVariable) == nullptr) require_trusted_folder(folder);
  if (options.shared) share_with_group(folder);
  follow_folder(folder);

  dist::WorldOptions world_options;
  world_options.use_watchdog = !options.no_watchdog;
  world_options.watchdog = parts.watchdog;
  world_options.watchdog.patience = options.patience;
  world_options.watchdog.run_folder = folder;
  dist::World world(world_options);
  dist::Communicator& comm = world.communicator();
  const bool is_root = comm.rank() == 0;
  bool folder_is_ours = false;
  try {
    if (is_finished(options, folder, spec)) {
      if (is_root)
        std::cout << folder.string() << " is finished: " << describe(*read_run(folder)->result)
                  << "\n";
      world.finish();
      return 0;
    }
    comm.barrier();
    if (is_root) {
      remove_failed_start(folder);
      prepare_run_folder(folder, spec::canonical_text(spec), spec::spec_hash(spec),
                         describe_environment({"hadal", "train", options.spec}, comm.size()));
    }
    comm.barrier();
    folder_is_ours = true;

    std::string device_note;
    const std::unique_ptr<Backend> backend =
        open_device(options.device, dist::local_rank(comm), device_note);
    dist::DataParallelOptions parallel;
    parallel.logical_shards = spec.logical_shards();
    TrainingGroup of_ranks(comm, *backend, parallel, options.patience);
    std::unique_ptr<ReplicaGroup> around;
    if (parts.around_group) around = parts.around_group(of_ranks.get());
    ReplicaGroup& group = around ? *around : of_ranks.get();
    if (spec.global_batch() % group.logical_shards() != 0)
      throw ConfigError(
          fmt::format("global_batch {} cannot be cut into {} equal shards; choose a multiple of {}",
                      spec.global_batch(), group.logical_shards(), group.logical_shards()));
    SystemClock clock;
    std::optional<RunWriter> writer;
    experiments::RunListener nobody;
    if (is_root) {
      writer.emplace(folder, clock, options.quiet,
                     ::isatty(STDOUT_FILENO) == 1 && comm.size() == 1);
      writer->say(fmt::format(
          "{}: {} on {} rank{}, {} shard{} of {} images, device {}; run folder {}", options.spec,
          spec.model().name(), comm.size(), comm.size() == 1 ? "" : "s", group.logical_shards(),
          group.logical_shards() == 1 ? "" : "s", spec.global_batch() / group.logical_shards(),
          backend->name(), folder.string()));
    }
    for (const std::string& note : {device_note, of_ranks.note()})
      if (is_root && !note.empty()) writer->on_event("warning", 0, note);
    const dist::CoreUse cores = dist::core_use(comm, 1);
    if (is_root && cores.oversubscribed())
      writer->on_event("warning", 0, cores.warning(comm.host()));

    experiments::RunOptions run;
    run.folder = folder;
    run.resume = options.resume;
    run.data_dir = options.data_dir;
    run.stop_after_epoch = options.stop_after_epoch;
    run.check_steps = options.check;
    run.probe = parts.probe;
    const experiments::RunSummary summary = experiments::run_training(
        spec, group, *backend, [&] { return drain.requested(); },
        writer ? static_cast<experiments::RunListener&>(*writer) : nobody, run);
    const RunResult result = result_of(summary, spec, comm.size());
    if (is_root) {
      writer->result(result);
      writer->say(result.status == RunStatus::kFinished ? "finished: " + describe(result)
                                                        : result.reason + "; --resume goes on");
    }
    world.finish();
    return result.exit_code;
  } catch (const Error& error) {
    // Several ranks may meet the same error: the first says so at once, for the others' exit ends
    // it, and writes it down where the run is its own and the disk lets it.
    if (!world.claim_report()) return static_cast<int>(error.exit_code());
    const std::string reason = world.explain(error);
    complain(std::cerr, reason);
    try {
      const bool superseded = dynamic_cast<const Superseded*>(&error) != nullptr;
      if (folder_is_ours && !superseded)
        write_result(folder, failed_result(error.exit_code(), reason, spec, comm.size()));
    } catch (const Error&) {
      // It has been said.
    }
    return static_cast<int>(error.exit_code());
  }
}

Action declare(Arguments& app, const TrainParts& parts) {
  auto options = std::make_shared<TrainOptions>();
  app.add_option("SPEC", options->spec, "experiment to train, a .textproto file").required();
  app.add_option("--set", options->set,
                 "KEY=VALUE, replaces a field of the spec; may be given again")
      .one_word_each();
  app.add_option("--out", options->out, "folder of the run (default: runs/NAME-sSEED-HASH)");
  app.add_flag("--resume", options->resume, "go on from the last good checkpoint in the folder");
  app.add_option("--stop-after-epoch", options->stop_after_epoch,
                 "save and stop there; --resume goes on as though it had never stopped")
      .check(Check::positive());
  app.add_flag("--shared", options->shared, "the group may read the run's folder too");
  app.add_flag("--trust-folder", options->trust_folder,
               "take a folder that is somebody else's, or that everybody may write in");
  app.add_option("--device", options->device, kDeviceHelp).show_default();
  app.add_option("--data-dir", options->data_dir,
                 "where the data sets lie (else HADAL_DATA, else ./data)");
  app.add_flag("--quiet", options->quiet, "no progress, only warnings and errors");
  app.add_option("--check", options->check,
                 "compare every kernel of the first N steps with the reference backend");
  app.add_option("--patience", options->patience,
                 "multiplies the time after which a silent rank ends the job")
      .show_default()
      .check(Check::positive());
  app.add_flag("--no-watchdog", options->no_watchdog,
               "wait for ever for silent ranks, as under a debugger");
  return [options, parts] { return train(*options, parts); };
}

}  // namespace

Command train_command(const TrainParts& parts) {
  return {"train", "train a network",
          "mpirun -np 2 hadal train experiments/resnet/resnet20_c10_short.textproto",
          [parts](Arguments& app) { return declare(app, parts); }};
}

Command train_command() { return train_command(TrainParts{}); }

}  // namespace hadal::launcher

// hadal plan: what a training, or every training of a sweep, would run and need; its time from a
// few steps.
#include "core/plan.h"

#include <iostream>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "dist/world.h"
#include "experiments/build.h"
#include "experiments/spec/load.h"
#include "experiments/translate.h"
#include "launcher/command.h"
#include "launcher/command_line.h"
#include "launcher/device.h"
#include "launcher/mpirun.h"
#include "launcher/plan/estimate.h"
#include "launcher/plan/sweep_estimate.h"
#include "launcher/program_path.h"
#include "launcher/sweep_planner.h"

namespace hadal::launcher {
namespace {

struct Options {
  std::string spec;
  std::vector<std::string> set;
  std::string device = "auto";
  int ranks = 0;  // 0: as many as mpirun started, or as the sweep says
  double measure_s = 5;
  double time_limit_s = 0;
  std::string mpirun = usual_mpirun();
  bool brief = false;
  bool json = false;
};

std::unique_ptr<Plan> compile(const Model& model, const Parameters& parameters, Backend& backend,
                              std::int64_t batch, int recompute_every) {
  PlanOptions options;
  options.batch = batch;
  options.outputs = {model.scores, model.loss};
  options.seeds = {model.loss};
  options.recompute_every = recompute_every;
  return Plan::compile(model.graph, parameters, backend, options);
}

/// The k that needs the least memory; between 1 and the square root of the number of cut values or
/// a few times it.
int best_recompute_every(const Model& model, const Parameters& parameters, Backend& backend,
                         std::int64_t batch) {
  int best = 0;
  std::size_t fewest = compile(model, parameters, backend, batch, 0)->arena_bytes();
  for (int k = 1; k <= 64; k *= 2) {
    const std::size_t bytes = compile(model, parameters, backend, batch, k)->arena_bytes();
    if (bytes < fewest) {
      fewest = bytes;
      best = k;
    }
  }
  return best;
}

std::string bytes_text(std::size_t bytes) {
  return fmt::format("{} ({} bytes)", format_bytes(static_cast<double>(bytes)),
                     format_count(static_cast<long long>(bytes)));
}

/// Expected share of the multiply-adds when every gate is open with its survival probability on its
/// own.
void print_gates(const Model& model) {
  if (model.graph.gates().empty()) {
    std::cout << "gates          none\n";
    return;
  }
  double expected = 0;
  for (const Graph::GateInfo& gate : model.graph.gates()) expected += gate.survival_probability;
  std::cout << fmt::format("gates          {}, of which {:.2f} are open in a step on average\n",
                           model.graph.gates().size(), expected);
}

// What is known before anything runs.
void print_net(const spec::ExperimentSpec& spec, const Options& options, int ranks,
               Backend& backend) {
  const Model model = experiments::build_model(spec, experiments::input_of(spec));
  const Parameters parameters(model.graph, DType::kFloat32, backend.device());
  const int shards = spec.logical_shards() > 0 ? spec.logical_shards() : ranks;
  const std::int64_t batch = spec.global_batch() / shards;
  const auto chosen = compile(model, parameters, backend, batch, spec.recompute_every());

  const std::string table = chosen->describe();
  std::cout << (options.brief ? table.substr(table.find("\nparameters") + 1) : table);
  print_gates(model);
  std::cout << fmt::format("global batch   {} in {} shard{} of {}\n", spec.global_batch(), shards,
                           shards == 1 ? "" : "s", batch);
  const double gradient_bytes = static_cast<double>(parameters.gradients().bytes());
  std::cout << fmt::format("gradients      {} in buckets of 1 MiB, last layer first\n",
                           format_bytes(gradient_bytes));
  const auto kept = compile(model, parameters, backend, batch, 0);
  std::cout << fmt::format("memory         {} per rank, everything kept\n",
                           bytes_text(kept->arena_bytes() + kept->parameter_bytes()));
  if (const int k = spec.recompute_every() > 0
                        ? spec.recompute_every()
                        : best_recompute_every(model, parameters, backend, batch);
      k > 0) {
    const auto recomputed = compile(model, parameters, backend, batch, k);
    std::cout << fmt::format("               {} per rank with recompute_every: {}\n",
                             bytes_text(recomputed->arena_bytes() + recomputed->parameter_bytes()),
                             k);
  }
}

int plan_experiment(const Options& options) {
  const spec::ExperimentSpec spec =
      spec::load_experiment(options.spec, options.set, experiments::complete);
  dist::World world;
  dist::Communicator& comm = world.communicator();
  if (comm.size() > 1 && options.ranks > 0 && options.ranks != comm.size())
    throw UsageError(fmt::format("plan: --ranks {} under mpirun of {} ranks; leave one of them out",
                                 options.ranks, comm.size()));
  const int ranks = options.ranks > 0 ? options.ranks : comm.size();
  std::string device_note;
  const std::unique_ptr<Backend> backend =
      open_device(options.device, dist::local_rank(comm), device_note);
  const bool is_root = comm.rank() == 0;
  if (is_root && !device_note.empty()) complain(std::cerr, device_note);
  if (is_root && !options.json) print_net(spec, options, ranks, *backend);
  const RunEstimate estimate = estimate_run(spec, comm, ranks, *backend, options.measure_s);
  if (is_root && options.json) std::cout << to_json(estimate) << "\n";
  if (is_root && !options.json)
    for (const std::string& line : lines_of(estimate, options.time_limit_s))
      std::cout << line << "\n";
  world.finish();
  return 0;
}

int plan_runs_of_sweep(const Options& options) {
  if (is_one_of_many())
    throw UsageError("plan: of a sweep starts mpirun itself; start it alone, not under mpirun");
  if (options.json) throw UsageError("plan: --json tells one experiment, not a sweep");
  const SweepPlan plan =
      plan_sweep(options.spec, {.set = options.set, .ranks = options.ranks}, experiments::complete);
  SystemTools tools;
  const SweepEstimate estimate = estimate_sweep(plan,
                                                {.program = this_program(),
                                                 .mpirun = options.mpirun,
                                                 .measure_s = options.measure_s,
                                                 .device = options.device},
                                                tools);
  const double limit = options.time_limit_s > 0 ? options.time_limit_s : plan.time_limit_s;
  for (const std::string& line : lines_of(estimate, limit)) std::cout << line << "\n";
  return 0;
}

int plan(const Options& options) {
  return spec::is_sweep(options.spec) ? plan_runs_of_sweep(options) : plan_experiment(options);
}

Action declare(Arguments& app) {
  auto options = std::make_shared<Options>();
  app.add_option("SPEC", options->spec, "experiment or sweep, a .textproto file").required();
  app.add_option("--set", options->set,
                 "KEY=VALUE, replaces a field of the spec; may be given again")
      .one_word_each();
  app.add_option("--device", options->device, kDeviceHelp).show_default();
  app.add_option("--ranks", options->ranks,
                 "ranks; default: as many as mpirun started, or as the sweep says")
      .check(Check::positive());
  app.add_option("--measure", options->measure_s,
                 "seconds of real steps, for each net of a sweep; 0: none, and no times")
      .show_default()
      .check(Check::between(0.0, 3600.0));
  app.add_option("--time-limit", options->time_limit_s,
                 "seconds a training may take; default: as the sweep says")
      .check(Check::positive());
  app.add_option("--mpirun", options->mpirun, "for sweeps: the mpirun to use").show_default();
  app.add_flag("--brief", options->brief, "only the totals");
  app.add_flag("--json", options->json, "for programs; of an experiment");
  return [options] { return plan(*options); };
}

}  // namespace

Command plan_command() {
  return {"plan", "shapes, multiply-adds, memory and expected time of a training or a sweep",
          "hadal plan experiments/resnet/resnet1202_c10.textproto --brief --set logical_shards=1",
          declare};
}

}  // namespace hadal::launcher

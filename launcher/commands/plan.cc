// hadal plan: what a training would run and need, without running it.
#include "core/plan.h"

#include <iostream>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "core/base/strings.h"
#include "core/data/registry.h"
#include "experiments/build.h"
#include "experiments/spec/load.h"
#include "experiments/translate.h"
#include "launcher/command.h"
#include "launcher/command_line.h"
#include "launcher/device.h"

namespace hadal::launcher {
namespace {

struct Options {
  std::string spec;
  std::vector<std::string> set;
  std::string device = "auto";
  int ranks = 1;
  bool brief = false;
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

int plan(const Options& options) {
  const spec::ExperimentSpec spec =
      spec::load_experiment(options.spec, options.set, experiments::complete);
  const InputSpec input = experiments::input_of(spec);
  const Model model = experiments::build_model(spec, input);
  std::string device_note;
  const std::unique_ptr<Backend> backend = open_device(options.device, 0, device_note);
  if (!device_note.empty()) complain(std::cerr, device_note);
  const Parameters parameters(model.graph, DType::kFloat32, backend->device());
  const int shards = spec.logical_shards() > 0 ? spec.logical_shards() : options.ranks;
  const std::int64_t batch = spec.global_batch() / shards;
  const auto chosen = compile(model, parameters, *backend, batch, spec.recompute_every());

  const std::string table = chosen->describe();
  std::cout << (options.brief ? table.substr(table.find("\nparameters") + 1) : table);
  print_gates(model);
  std::cout << fmt::format("global batch   {} in {} shard{} of {}\n", spec.global_batch(), shards,
                           shards == 1 ? "" : "s", batch);
  const double gradient_bytes = static_cast<double>(parameters.gradients().bytes());
  std::cout << fmt::format("gradients      {} in buckets of 1 MiB, last layer first\n",
                           format_bytes(gradient_bytes));
  const auto kept = compile(model, parameters, *backend, batch, 0);
  std::cout << fmt::format("memory         {} per rank, everything kept\n",
                           bytes_text(kept->arena_bytes() + kept->parameter_bytes()));
  if (const int k = spec.recompute_every() > 0
                        ? spec.recompute_every()
                        : best_recompute_every(model, parameters, *backend, batch);
      k > 0) {
    const auto recomputed = compile(model, parameters, *backend, batch, k);
    std::cout << fmt::format("               {} per rank with recompute_every: {}\n",
                             bytes_text(recomputed->arena_bytes() + recomputed->parameter_bytes()),
                             k);
  }
  return 0;
}

Action declare(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.add_option("SPEC", options->spec, "experiment, a .textproto file")->required();
  app.add_option("--set", options->set,
                 "KEY=VALUE, replaces a field of the spec; may be given again")
      ->allow_extra_args(false);
  app.add_option("--device", options->device, kDeviceHelp)->capture_default_str();
  app.add_option("--ranks", options->ranks, "ranks, for specs that do not fix logical_shards")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_flag("--brief", options->brief, "only the totals");
  return [options] { return plan(*options); };
}

}  // namespace

Command plan_command() {
  return {"plan", "shapes, parameters, multiply-adds and memory of a training",
          "hadal plan experiments/resnet/resnet1202_c10.textproto --brief --set logical_shards=1",
          declare};
}

}  // namespace hadal::launcher

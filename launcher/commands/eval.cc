// hadal eval: the errors of a trained net on a split, from a run folder.
#include <iostream>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "core/base/strings.h"
#include "dist/data_parallel_group.h"
#include "dist/world.h"
#include "experiments/evaluate.h"
#include "experiments/spec/load.h"
#include "experiments/translate.h"
#include "launcher/command.h"
#include "launcher/command_line.h"
#include "launcher/device.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
namespace {

struct Options {
  std::string run;
  std::string split = "test";
  std::string weights = "last";
  std::string device = "auto";
  std::string data_dir;
};

int evaluate(const Options& options) {
  const spec::ExperimentSpec spec =
      spec::load_experiment(fs::path(options.run) / "spec.textproto", {}, experiments::complete);
  dist::World world;
  dist::DataParallelGroup group(world.communicator(), {.logical_shards = spec.logical_shards()});
  std::string device_note;
  const std::unique_ptr<Backend> backend =
      open_device(options.device, dist::local_rank(world.communicator()), device_note);
  if (group.is_root() && !device_note.empty()) complain(std::cerr, device_note);
  experiments::EvaluationRequest request;
  request.folder = options.run;
  request.data_dir = options.data_dir;
  request.split = options.split == "test" ? experiments::RunData::Evaluated::kTest
                                          : experiments::RunData::Evaluated::kValidation;
  request.best_validation = options.weights == "best";
  const experiments::EvaluationResult result =
      experiments::evaluate_run(spec, group, *backend, request);
  if (group.is_root())
    std::cout << fmt::format("{}: {} error {:.2f}% ({} images), loss {:.4f}, weights of step {}\n",
                             options.run, options.split, result.error, format_count(result.images),
                             result.loss, result.step);
  world.finish();
  return 0;
}

Action declare(Arguments& app) {
  auto options = std::make_shared<Options>();
  app.add_option("RUN", options->run, "folder of a run").required();
  app.add_option("--split", options->split, "test or validation")
      .show_default()
      .check(Check::one_of({"test", "validation"}));
  app.add_option("--weights", options->weights, "last, or best: those of the best validation epoch")
      .show_default()
      .check(Check::one_of({"last", "best"}));
  app.add_option("--device", options->device, kDeviceHelp).show_default();
  app.add_option("--data-dir", options->data_dir,
                 "where the data sets lie (else HADAL_DATA, else ./data)");
  return [options] { return evaluate(*options); };
}

}  // namespace

Command eval_command() {
  return {"eval", "evaluate a trained network",
          "mpirun -np 2 hadal eval runs/lenet5_mnist_short-s1-9140fd5c02124744", declare};
}

}  // namespace hadal::launcher

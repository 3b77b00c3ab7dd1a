#include "experiments/evaluate.h"

#include <fmt/format.h>

#include "core/train/evaluator.h"
#include "experiments/checkpoint.h"

namespace hadal::experiments {

NamedViews weights_of(const Parameters& parameters) {
  NamedViews views;
  for (const Parameters::Entry& entry : parameters.entries())
    views.emplace_back(entry.name, parameters.value(entry));
  for (const Parameters::RunningEntry& entry : parameters.running_entries())
    views.emplace_back(entry.name, parameters.running(entry));
  return views;
}

EvaluationResult evaluate_run(const spec::ExperimentSpec& spec, ReplicaGroup& group,
                              Backend& backend, const EvaluationRequest& request) {
  CheckpointStore store(request.folder / "checkpoints", 1,
                        [](const std::string& line) { throw DataError(line); });
  const auto checkpoint = request.best_validation ? store.best(spec) : store.latest_good(spec);
  if (!checkpoint)
    throw IoError(ExitCode::kMissingInput,
                  fmt::format("{} holds no {}checkpoint", request.folder.string(),
                              request.best_validation ? "best-validation " : ""));
  const RunData data(spec, request.data_dir);
  if (request.split == RunData::Evaluated::kValidation && data.split().validation.empty())
    throw ConfigError("this run held out no validation images; evaluate --split test");
  const Model model = build_model(spec, data.input());
  Parameters parameters(model.graph, DType::kFloat32, backend.device());
  for (const auto& [name, view] : weights_of(parameters))
    checkpoint->group("weights").copy_to(name, view);
  const std::int64_t shard_batch = spec.global_batch() / group.logical_shards();
  const auto loader = data.evaluation_loader(request.split, shard_batch, group.logical_shards(),
                                             group.shards().first, group.shards().size());
  Evaluator evaluator(model, parameters, backend, group, shard_batch);
  const Evaluation evaluation = evaluator.run(*loader);
  return {evaluation.loss, 100 * evaluation.error, evaluation.samples, checkpoint->state.step};
}

}  // namespace hadal::experiments

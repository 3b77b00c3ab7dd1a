#include "launcher/plan/estimate.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/strings.h"
#include "experiments/build.h"
#include "launcher/training_group.h"

namespace hadal::launcher {
using nlohmann::json;
namespace {

/// What one of `ranks` ranks has to do of a step.
spec::ExperimentSpec share_of(spec::ExperimentSpec spec, int ranks) {
  const int shards = spec.logical_shards() > 0 ? spec.logical_shards() : ranks;
  spec.set_global_batch(spec.global_batch() / ranks);
  spec.set_logical_shards(shards / ranks);
  return spec;
}

void require_even_shares(const spec::ExperimentSpec& spec, int ranks) {
  const int shards = spec.logical_shards() > 0 ? spec.logical_shards() : ranks;
  if (shards % ranks != 0)
    throw ConfigError(fmt::format(
        "{} shards cannot be spread over {} ranks; choose ranks that divide them", shards, ranks));
  if (spec.global_batch() % shards != 0)
    throw ConfigError(fmt::format("global_batch {} cannot be cut into {} equal shards",
                                  spec.global_batch(), shards));
}

void look_at_hosts(dist::Communicator& comm, RunEstimate& estimate) {
  const MemoryLimit own = memory_limit();
  const std::vector<std::string> limits =
      comm.all_gather(json{{"host", comm.host()}, {"bytes", own.bytes}, {"by", own.by}}.dump());
  std::map<std::string, int> ranks;
  estimate.memory = own;
  for (const std::string& text : limits) {
    const json limit = json::parse(text);
    ++ranks[limit["host"]];
    if (limit["bytes"] < estimate.memory.bytes) estimate.memory = {limit["bytes"], limit["by"]};
  }
  for (const auto& [host, count] : ranks)
    estimate.ranks_on_host = std::max(estimate.ranks_on_host, count);
}

void measure(const spec::ExperimentSpec& spec, dist::Communicator& comm, Backend& backend,
             double measure_s, RunEstimate& estimate) {
  const bool share = comm.size() == 1 && estimate.ranks > 1;
  const spec::ExperimentSpec measured = share ? share_of(spec, estimate.ranks) : spec;
  TrainingGroup group(comm, backend, {.logical_shards = measured.logical_shards()});
  experiments::StepProbe probe =
      experiments::probe_steps(measured, group.get(), backend, {.seconds = measure_s});
  if (share) probe.image_evaluation_s /= estimate.ranks;
  estimate.probe = probe;
  estimate.exchange_measured = !share;
}

std::string milliseconds(double seconds) { return fmt::format("{:.3g} ms", 1e3 * seconds); }

std::string times(const experiments::TrainingCost& cost) {
  if (cost.evaluated_images == 0) return "nothing to evaluate on";
  return fmt::format("{} images, validation and test",
                     format_count(static_cast<long long>(cost.evaluated_images)));
}

std::string on_ranks(int ranks) { return fmt::format("{} rank{}", ranks, ranks == 1 ? "" : "s"); }

}  // namespace

RunEstimate estimate_run(const spec::ExperimentSpec& spec, dist::Communicator& comm, int ranks,
                         Backend& backend, double measure_s) {
  require_even_shares(spec, ranks);
  RunEstimate estimate;
  estimate.ranks = ranks;
  estimate.cost = experiments::training_cost(spec);
  const Model model = experiments::build_model(spec, experiments::input_of(spec));
  const Parameters parameters(model.graph);
  estimate.exchange = dist::exchange_cost(parameters, ranks, spec.logical_shards());
  look_at_hosts(comm, estimate);
  if (comm.size() == 1) estimate.ranks_on_host = ranks;
  if (measure_s > 0) measure(spec, comm, backend, measure_s, estimate);
  return estimate;
}

std::vector<std::string> lines_of(const RunEstimate& e, double time_limit_s) {
  std::vector<std::string> lines;
  const auto add = [&](const char* what, const std::string& text) {
    lines.push_back(fmt::format("{:<14} {}", what, text));
  };
  if (e.ranks > 1)
    add("exchange", fmt::format("{} in {} messages sent by a rank in a step",
                                format_bytes(static_cast<double>(e.exchange.bytes)),
                                format_count(static_cast<long long>(e.exchange.messages))));
  add("work", fmt::format("{} steps of {:.4g} multiply-adds, {:.4g} in all with evaluation",
                          format_count(static_cast<long long>(e.cost.steps)), e.cost.step_macs,
                          e.cost.macs()));
  if (!e.probe) return lines;
  const experiments::StepProbe& probe = *e.probe;
  add("step",
      fmt::format(
          "{} ({} to {}) on {}{}", milliseconds(probe.step_s), milliseconds(probe.quickest_s),
          milliseconds(probe.slowest_s), on_ranks(e.ranks),
          e.exchange_measured
              ? ""
              : fmt::format(", without the exchange; mpirun -np {} measures it too", e.ranks)));
  add("training", format_duration(e.training_s()));
  add("evaluation", fmt::format("{} ({})", format_duration(e.evaluation_s()), times(e.cost)));
  add("total", fmt::format("about {}: an estimate from {} steps on made-up images, on this machine "
                           "as busy as it is now",
                           format_duration(e.total_s()), probe.steps));
  add("room",
      fmt::format("{} for {} on a host, {} has {}: {}",
                  format_bytes(static_cast<double>(e.bytes_on_host())), on_ranks(e.ranks_on_host),
                  e.memory.by, format_bytes(static_cast<double>(e.memory.bytes)),
                  e.fits_memory() ? "fits" : "does NOT fit"));
  if (time_limit_s > 0)
    add("time limit", fmt::format("{}: {}", format_duration(time_limit_s),
                                  e.total_s() <= time_limit_s
                                      ? "fits"
                                      : fmt::format("does NOT fit; {:.1f} attempts, each going on "
                                                    "from the last checkpoint",
                                                    e.total_s() / time_limit_s)));
  return lines;
}

std::string to_json(const RunEstimate& e) {
  json object = {{"train_images", e.cost.train_images},
                 {"validation_images", e.cost.validation_images},
                 {"test_images", e.cost.test_images},
                 {"steps_per_epoch", e.cost.steps_per_epoch},
                 {"steps", e.cost.steps},
                 {"evaluated_images", e.cost.evaluated_images},
                 {"step_macs", e.cost.step_macs},
                 {"evaluation_macs", e.cost.evaluation_macs},
                 {"data_bytes", e.cost.data_bytes},
                 {"macs", e.cost.macs()},
                 {"ranks", e.ranks},
                 {"ranks_on_host", e.ranks_on_host},
                 {"exchange_bytes", e.exchange.bytes},
                 {"exchange_messages", e.exchange.messages},
                 {"exchange_measured", e.exchange_measured},
                 {"memory_limit", e.memory.bytes},
                 {"memory_limit_by", e.memory.by}};
  if (const auto& probe = e.probe)
    object["measured"] = {{"steps", probe->steps},
                          {"step_s", probe->step_s},
                          {"quickest_s", probe->quickest_s},
                          {"slowest_s", probe->slowest_s},
                          {"bytes_sent", probe->bytes_sent},
                          {"image_evaluation_s", probe->image_evaluation_s},
                          {"arena_bytes", probe->arena_bytes},
                          {"evaluation_arena_bytes", probe->evaluation_arena_bytes},
                          {"parameter_bytes", probe->parameter_bytes},
                          {"optimizer_bytes", probe->optimizer_bytes},
                          {"batch_bytes", probe->batch_bytes},
                          {"training_s", e.training_s()},
                          {"evaluation_s", e.evaluation_s()},
                          {"total_s", e.total_s()},
                          {"bytes_on_host", e.bytes_on_host()},
                          {"fits_memory", e.fits_memory()}};
  return object.dump(1);
}

RunEstimate run_estimate_from_json(const std::string& text) {
  RunEstimate e;
  try {
    const json object = parse_json(text, "plan");
    object.at("train_images").get_to(e.cost.train_images);
    object.at("validation_images").get_to(e.cost.validation_images);
    object.at("test_images").get_to(e.cost.test_images);
    object.at("steps_per_epoch").get_to(e.cost.steps_per_epoch);
    object.at("steps").get_to(e.cost.steps);
    object.at("evaluated_images").get_to(e.cost.evaluated_images);
    object.at("step_macs").get_to(e.cost.step_macs);
    object.at("evaluation_macs").get_to(e.cost.evaluation_macs);
    object.at("data_bytes").get_to(e.cost.data_bytes);
    object.at("ranks").get_to(e.ranks);
    object.at("ranks_on_host").get_to(e.ranks_on_host);
    object.at("exchange_bytes").get_to(e.exchange.bytes);
    object.at("exchange_messages").get_to(e.exchange.messages);
    object.at("exchange_measured").get_to(e.exchange_measured);
    object.at("memory_limit").get_to(e.memory.bytes);
    object.at("memory_limit_by").get_to(e.memory.by);
    if (!object.contains("measured")) return e;
    const json& measured = object["measured"];
    experiments::StepProbe& probe = e.probe.emplace();
    measured.at("steps").get_to(probe.steps);
    measured.at("step_s").get_to(probe.step_s);
    measured.at("quickest_s").get_to(probe.quickest_s);
    measured.at("slowest_s").get_to(probe.slowest_s);
    measured.at("bytes_sent").get_to(probe.bytes_sent);
    measured.at("image_evaluation_s").get_to(probe.image_evaluation_s);
    measured.at("arena_bytes").get_to(probe.arena_bytes);
    measured.at("evaluation_arena_bytes").get_to(probe.evaluation_arena_bytes);
    measured.at("parameter_bytes").get_to(probe.parameter_bytes);
    measured.at("optimizer_bytes").get_to(probe.optimizer_bytes);
    measured.at("batch_bytes").get_to(probe.batch_bytes);
  } catch (const json::exception& error) {
    throw DataError(fmt::format("plan: damaged ({})", error.what()));
  }
  return e;
}

}  // namespace hadal::launcher

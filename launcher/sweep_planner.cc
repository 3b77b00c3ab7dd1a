#include "launcher/sweep_planner.h"

#include <algorithm>

#include <fmt/format.h>
#include <google/protobuf/text_format.h>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "experiments/spec/draws.h"
#include "experiments/spec/load.h"
#include "experiments/spec/options.h"
#include "experiments/spec/sweep.h"
#include "launcher/strategies/registry.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
namespace {

std::string to_text(const google::protobuf::Message& message) {
  std::string text;
  HADAL_CHECK(google::protobuf::TextFormat::PrintToString(message, &text));
  return text;
}

std::string text_for_tables(spec::SweepSpec sweep, const spec::SweepPlan& plan) {
  for (spec::Row& row : *sweep.mutable_row()) row.clear_expect();
  sweep.clear_expect();
  for (const spec::Expect& expect : plan.expect) *sweep.add_expect() = expect;
  return to_text(sweep);
}

spec::SweepSpec read(const fs::path& file, const SweepOverrides& overrides) {
  spec::SweepSpec sweep = spec::load_sweep(file);
  for (const std::string& setting : overrides.set) sweep.add_set(setting);
  if (overrides.ranks > 0) sweep.mutable_resources()->set_ranks(overrides.ranks);
  return sweep;
}

// Equal where the same number means the same draw.
std::string space_of(const spec::SweepSpec& sweep) {
  std::string text = fmt::format("{}\n", sweep.sample_seed());
  for (const spec::RandomAxis& axis : sweep.random()) text += to_text(axis) + "\n";
  return hex64(hash64(text));
}

bool holds_out_images(const spec::Data& data) {
  return data.validation_images() > 0 || data.validation_per_class() > 0 ||
         data.validation_per_class_extra() > 0;
}

PlannedRun planned_from(const spec::SweepRun& run, const spec::SweepSpec& sweep) {
  PlannedRun planned{.name = run.name,
                     .seed = run.seed,
                     .hash = run.hash,
                     .spec_text = spec::canonical_text(run.spec),
                     .epochs = static_cast<int>(run.spec.epochs()),
                     .validated_every = holds_out_images(run.spec.data())
                                            ? run.spec.evaluation().every_epochs()
                                            : 0,
                     .draw = run.draw};
  for (const spec::Label& label : run.labels) planned.labels.emplace_back(label.axis, label.value);
  if (run.draw) planned.coordinates = spec::coordinates(sweep, spec::draw(sweep, *run.draw));
  return planned;
}

spec::SweepPlan expand(const spec::SweepSpec& sweep, const fs::path& file,
                       const spec::Complete& complete, int first,
                       const std::vector<std::uint64_t>& more) {
  spec::SweepSpec begin = sweep;
  begin.set_samples(first);
  spec::SweepPlan expanded = spec::expand(begin, file.parent_path(), file.string(), complete);
  if (more.empty()) return expanded;
  std::vector<std::uint64_t> draws;
  for (const spec::SweepRun& run : expanded.runs) draws.push_back(run.draw.value());
  draws.insert(draws.end(), more.begin(), more.end());
  return spec::expand(sweep, file.parent_path(), file.string(), complete, draws);
}

}  // namespace

SweepPlan plan_sweep(const fs::path& file, const SweepOverrides& overrides,
                     const spec::Complete& complete, const std::vector<JournalLine>& journal) {
  const spec::SweepSpec sweep = read(file, overrides);
  require_safe_name("sweep", sweep.name());

  SweepPlan plan;
  plan.name = sweep.name();
  plan.ranks = sweep.resources().ranks();
  plan.cores_per_rank = sweep.resources().cores_per_rank();
  plan.gpus_per_rank = sweep.resources().gpus_per_rank();
  plan.time_limit_s = sweep.resources().time_limit_s();
  plan.attempts = sweep.attempts();
  plan.canary = sweep.on_failure() == spec::SweepSpec::canary;
  plan.stop_after = sweep.stop_after();
  if (sweep.on_failure() == spec::SweepSpec::stop && plan.stop_after == 0) plan.stop_after = 1;
  plan.strategy = sweep.strategy().name();
  try {
    plan.strategy_options = spec::options_of(sweep.strategy().set());
    plan.samples = sweep.samples();
    const int first = first_draws(plan.strategy, plan.strategy_options, sweep.samples());
    const bool adds_draws = first < sweep.samples();
    plan.space = space_of(sweep);
    const spec::SweepPlan expanded =
        expand(sweep, file, complete, first,
               adds_draws ? replay(journal, plan.space).draws : std::vector<std::uint64_t>());
    plan.sweep_text = text_for_tables(sweep, expanded);
    for (const spec::SweepRun& run : expanded.runs) plan.runs.push_back(planned_from(run, sweep));
    for (const spec::SweepCell& cell : expanded.cells) {
      PlannedCell& planned = plan.cells.emplace_back(PlannedCell{cell.row, cell.column});
      for (const std::size_t run : cell.runs) planned.hashes.push_back(expanded.runs[run].hash);
    }
  } catch (const ConfigError& error) {
    const std::string what = error.what();
    if (what.starts_with(file.string())) throw;
    throw ConfigError(fmt::format("{}: {}", file.string(), what));
  }
  plan.sample_seed = sweep.sample_seed();
  plan.seeds = std::max(1, sweep.seed_size());
  plan.varies_besides_draws = sweep.axis_size() > 0 || sweep.row_size() > 1;
  return plan;
}

Candidates candidates_of(const fs::path& file, const SweepOverrides& overrides) {
  const spec::SweepSpec sweep = read(file, overrides);
  return [sweep, file](std::uint64_t first, std::uint64_t count) {
    std::vector<Candidate> candidates;
    for (const std::uint64_t index :
         spec::admitted_draws(sweep, file.parent_path(), file.string(), first, count))
      candidates.push_back({index, spec::coordinates(sweep, spec::draw(sweep, index))});
    return candidates;
  };
}

}  // namespace hadal::launcher

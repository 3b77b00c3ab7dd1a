#include "launcher/sweep_planner.h"

#include <google/protobuf/text_format.h>

#include "core/base/error.h"
#include "experiments/spec/load.h"
#include "experiments/spec/sweep.h"

namespace hadal::launcher {
namespace {

std::string text_for_tables(spec::SweepSpec sweep, const spec::SweepPlan& plan) {
  for (spec::Row& row : *sweep.mutable_row()) row.clear_expect();
  sweep.clear_expect();
  for (const spec::Expect& expect : plan.expect) *sweep.add_expect() = expect;
  std::string text;
  HADAL_CHECK(google::protobuf::TextFormat::PrintToString(sweep, &text));
  return text;
}

}  // namespace

SweepPlan plan_sweep(const std::filesystem::path& file, const SweepOverrides& overrides,
                     const spec::Complete& complete) {
  spec::SweepSpec sweep = spec::load_sweep(file);
  for (const std::string& setting : overrides.set) sweep.add_set(setting);
  if (overrides.ranks > 0) sweep.mutable_resources()->set_ranks(overrides.ranks);
  require_safe_name("sweep", sweep.name());
  const spec::SweepPlan expanded = spec::expand(sweep, file.parent_path(), file.string(), complete);

  SweepPlan plan;
  plan.name = sweep.name();
  plan.sweep_text = text_for_tables(sweep, expanded);
  plan.ranks = sweep.resources().ranks();
  plan.cores_per_rank = sweep.resources().cores_per_rank();
  plan.gpus_per_rank = sweep.resources().gpus_per_rank();
  plan.attempts = sweep.attempts();
  plan.stop_on_failure = sweep.on_failure() == spec::SweepSpec::stop;
  plan.time_limit_s = sweep.resources().time_limit_s();
  for (const spec::SweepRun& run : expanded.runs) {
    PlannedRun planned{.name = run.name,
                       .seed = run.seed,
                       .hash = run.hash,
                       .spec_text = spec::canonical_text(run.spec)};
    for (const spec::Label& label : run.labels)
      planned.labels.emplace_back(label.axis, label.value);
    plan.runs.push_back(std::move(planned));
  }
  for (const spec::SweepCell& cell : expanded.cells) {
    PlannedCell& planned = plan.cells.emplace_back(PlannedCell{cell.row, cell.column});
    for (const std::size_t run : cell.runs) planned.hashes.push_back(expanded.runs[run].hash);
  }
  return plan;
}

}  // namespace hadal::launcher

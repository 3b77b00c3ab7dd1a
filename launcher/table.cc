#include "launcher/table.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "core/base/error.h"
#include "experiments/spec/load.h"

namespace hadal::launcher {
namespace {

constexpr std::array<std::pair<Metric, const char*>, 5> kMetricNames = {{
    {Metric::kTestError, "test_error"},
    {Metric::kTestErrorAtBestValidation, "test_error_at_best_validation"},
    {Metric::kDeepestColumnTestError, "deepest_column_test_error"},
    {Metric::kTrainingError, "training_error"},
    {Metric::kTrainingTime, "training_time_s"},
}};

bool is_test_error(Metric metric) {
  return metric == Metric::kTestError || metric == Metric::kTestErrorAtBestValidation ||
         metric == Metric::kDeepestColumnTestError;
}

void count(Cell& cell, RunState state) {
  cell.finished += state == RunState::kFinished;
  cell.failed += state == RunState::kFailed;
  cell.stopped_early += state == RunState::kStoppedEarly;
  cell.cancelled += state == RunState::kCancelled;
  cell.unfinished += state == RunState::kUnfinished;
}

std::optional<Statistic> measure(const Table& table, const Cell& cell, Metric metric) {
  std::vector<double> values;
  for (const std::size_t i : cell.runs) {
    const TableRun& run = table.runs[i];
    if (run.state != RunState::kFinished) continue;
    if (const auto value = value_of(*run.record->result, metric)) values.push_back(*value);
  }
  return summarize(std::move(values));
}

void compare(Cell& cell) {
  for (Expected& expected : cell.expected) {
    if (!expected.metric) continue;
    if (const Statistic* ours = cell.find(*expected.metric))
      expected.difference =
          (*expected.metric == Metric::kTrainingTime ? ours->median : ours->mean) - expected.value;
  }
}

void choose_headline(Cell& cell) {
  for (const Expected& expected : cell.expected)
    if (expected.metric && is_test_error(*expected.metric)) {
      cell.headline = *expected.metric;
      return;
    }
}

void add_once(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

std::string joined(const std::string& a, const std::string& b) {
  return a.empty() || b.empty() ? a + b : a + ", " + b;
}

Expected expected_from(const spec::Expect& expect) {
  return {.metric_name = expect.metric(),
          .metric = metric_named(expect.metric()),
          .value = expect.value(),
          .deviation = expect.std(),
          .source = joined(expect.paper(), expect.table()),
          .status = spec::Expect::Status_Name(expect.status()),
          .note = expect.note(),
          .difference = {}};
}

RunState state_of(RunStatus status) {
  switch (status) {
    case RunStatus::kFinished:
      return RunState::kFinished;
    case RunStatus::kFailed:
      return RunState::kFailed;
    case RunStatus::kPaused:
      return RunState::kStoppedEarly;
    case RunStatus::kDrained:
      return RunState::kUnfinished;
  }
  HADAL_CHECK(false);
  return {};
}

std::optional<std::size_t> lowest_validation_error(const std::vector<TableRun>& runs) {
  std::optional<std::size_t> best;
  const auto error = [&](std::size_t run) {
    return runs[run].record->result->last->validation_error;
  };
  for (std::size_t run = 0; run < runs.size(); ++run) {
    if (runs[run].state != RunState::kFinished || !runs[run].record->result->last || !error(run))
      continue;
    if (!best || *error(run) < *error(*best)) best = run;
  }
  return best;
}

std::string selection_note(const Table& table, const std::string& strategy) {
  const std::string note =
      fmt::format("chosen among {} runs by validation error ({})", table.runs.size(), strategy);
  if (!table.chosen) return note;
  const TableRun& best = table.runs[*table.chosen];
  const auto& last = *best.record->result->last;
  return fmt::format(
      "{}; the lowest is {:.2f} % of {}{}", note, *last.validation_error, best.name,
      last.test_error ? fmt::format(", whose test error is {:.2f} %", *last.test_error) : "");
}

/// "went back from step 26 to 20, its learning rate at 0.5 of the spec's: loss is NaN …"; "" where
/// there is none.
std::string ways_back(const std::vector<RunResult::Rewind>& rewinds) {
  std::string text;
  for (const RunResult::Rewind& rewind : rewinds)
    text += fmt::format(
        "{}went back from step {} to {}, its learning rate at {:g} of the spec's: {}",
        text.empty() ? "" : "; ", rewind.step, rewind.to, rewind.rate_factor, rewind.reason);
  return text;
}

}  // namespace

std::string name_of(Metric metric) {
  for (const auto& [known, name] : kMetricNames)
    if (known == metric) return name;
  HADAL_CHECK(false);
  return {};
}

std::optional<double> value_of(const RunResult& result, Metric metric) {
  switch (metric) {
    case Metric::kTestError:
      return result.last ? result.last->test_error : std::nullopt;
    case Metric::kTestErrorAtBestValidation:
      return result.best_validation ? result.best_validation->test_error : std::nullopt;
    case Metric::kDeepestColumnTestError:
      return result.deepest_column_test_error;
    case Metric::kTrainingError:
      return result.last ? std::optional(result.last->train_error) : std::nullopt;
    case Metric::kTrainingTime:
      return result.seconds;
  }
  HADAL_CHECK(false);
  return {};
}

const std::vector<Metric>& all_metrics() {
  static const std::vector<Metric> all = [] {
    std::vector<Metric> metrics;
    for (const auto& [metric, name] : kMetricNames) metrics.push_back(metric);
    return metrics;
  }();
  return all;
}

std::optional<Metric> metric_named(const std::string& name) {
  if (name == "top1_error") return Metric::kTestError;
  for (const auto& [metric, known] : kMetricNames)
    if (name == known) return metric;
  return std::nullopt;
}

std::string name_of(RunState state) {
  switch (state) {
    case RunState::kFinished:
      return "finished";
    case RunState::kFailed:
      return "failed";
    case RunState::kStoppedEarly:
      return "stopped early";
    case RunState::kCancelled:
      return "cancelled";
    case RunState::kUnfinished:
      return "unfinished";
  }
  HADAL_CHECK(false);
  return {};
}

const Statistic* Cell::find(Metric metric) const {
  const auto at = measured.find(metric);
  return at == measured.end() ? nullptr : &at->second;
}

const Expected* Cell::headline_expected() const {
  for (const Expected& e : expected)
    if (e.metric == headline) return &e;
  return nullptr;
}

TableRun table_run(std::optional<RunRecord> record, const std::string& id, const std::string& name,
                   std::optional<long long> seed) {
  TableRun run{.id = id, .name = name, .seed = seed, .detail = "not started", .record = {}};
  if (record) {
    if (!record->result) {
      run.detail = record->progress ? fmt::format("at epoch {} of {}", record->progress->epoch,
                                                  record->progress->epochs)
                                    : "no result yet";
    } else {
      run.state = state_of(record->result->status);
      run.detail = record->result->reason;
      if (run.state == RunState::kFinished) run.detail = ways_back(record->result->rewinds);
      if (run.state == RunState::kUnfinished) run.detail = joined("drained", run.detail);
      if (run.state == RunState::kFailed && run.detail.empty())
        run.detail = fmt::format("exit code {}", record->result->exit_code);
    }
  }
  run.record = std::move(record);
  return run;
}

std::vector<Expected> expected_of(const spec::SweepSpec& sweep, const std::string& row,
                                  const std::string& column) {
  std::vector<Expected> expected;
  for (const spec::Expect& expect : sweep.expect())
    if (expect.row() == row && expect.column() == column) expected.push_back(expected_from(expect));
  return expected;
}

void add_cell(Table& table, const std::string& row, const std::string& column,
              std::vector<std::size_t> runs, std::vector<Expected> expected) {
  Cell cell{.row = row,
            .column = column,
            .runs = std::move(runs),
            .measured = {},
            .expected = std::move(expected)};
  for (const std::size_t i : cell.runs) count(cell, table.runs.at(i).state);
  for (const Metric metric : all_metrics())
    if (const auto statistic = measure(table, cell, metric)) cell.measured[metric] = *statistic;
  choose_headline(cell);
  compare(cell);
  add_once(table.rows, row);
  add_once(table.columns, column);
  table.cells.push_back(std::move(cell));
}

Table table_of(const SweepRecord& sweep) {
  Table table{.name = sweep.name, .title = {}, .note = {}, .folder = sweep.folder};
  spec::SweepSpec said;
  if (!sweep.sweep_text.empty())
    said = spec::sweep_from_text(sweep.sweep_text, (sweep.folder / "sweep.textproto").string());
  table.title = said.title();
  table.note = said.note();
  std::map<std::string, std::size_t> run_of_hash;
  for (const SweepRecord::Run& run : sweep.runs) {
    run_of_hash[run.planned.hash] = table.runs.size();
    TableRun& added = table.runs.emplace_back(
        table_run(run.record, run.planned.hash, run.planned.name, run.planned.seed));
    if (run.cancelled && added.state != RunState::kFinished) {
      added.state = RunState::kCancelled;
      added.detail = run.record && run.record->progress
                         ? fmt::format("at epoch {} of {}", run.record->progress->epoch,
                                       run.record->progress->epochs)
                         : "before it began";
    }
  }
  table.is_search = said.has_strategy() && said.strategy().name() != "all";
  if (table.is_search) {
    table.chosen = lowest_validation_error(table.runs);
    table.note = joined(table.note, selection_note(table, said.strategy().name()));
  }
  for (const PlannedCell& cell : sweep.cells) {
    std::vector<std::size_t> runs;
    for (const std::string& hash : cell.hashes) {
      const auto at = run_of_hash.find(hash);
      if (at == run_of_hash.end())
        throw DataError(fmt::format("{}: damaged (cell '{}' has run {}, which is not in the plan)",
                                    (sweep.folder / "plan.json").string(), cell.row, hash));
      runs.push_back(at->second);
    }
    add_cell(table, cell.row, cell.column, std::move(runs),
             expected_of(said, cell.row, cell.column));
  }
  return table;
}

}  // namespace hadal::launcher
